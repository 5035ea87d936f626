"""How long one request takes in pools of several sizes: `python -m bench.matching.speed`.

Documents are drawn with a seed: words by Zipf's law from 30,000, bios of 50 to 90 counted words,
up to three earlier requests each. Two kinds of request: one that names its state, as most do, and
one that no rule narrows. Beside the time by the clock stands the processor's, which says more on a
machine that others use. Run it on a quiet machine, several times.
"""

import argparse
import gc
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from imatch.categories.catalog import definition
from imatch.categories.schemas import CategoryDefinition
from imatch.ranking import Pool, RankableProvider, StatedNeed

TODAY = date(2026, 1, 1)
WORDS = 30_000
SYLLABLES = [c + v for c in "bdfgklmnprstvz" for v in "aeou"]
REQUESTS = 300
UPDATES = 50


class Fiction:
    """Draws providers and needs of a category."""

    def __init__(self, category: CategoryDefinition, seed: int) -> None:
        self._category = category
        self._random = random.Random(seed)
        self._words = [self._word(rank) for rank in range(WORDS)]
        self._odds = list(accumulate(1 / rank for rank in range(1, WORDS + 1)))
        self._options = {name: list(values) for name, values in category.vocabularies.items()}
        states = range(1, len(self._options["us_states"]) + 1)
        self._state_odds = list(accumulate(rank**-0.7 for rank in states))

    def offers(self, count: int, first: int = 0) -> Iterator[RankableProvider]:
        return (self._offer(number) for number in range(first, first + count))

    def need(self, *, with_state: bool) -> StatedNeed:
        state = self._state() if with_state else None
        place = {"place": {"country": "US", "region": state, "city": state}} if state else {}
        return StatedNeed(
            category=self._category.name,
            text=self._text(30),
            answers={
                "needs": self._values("specialties", 2),
                "life_event": self._values("life_events", 1),
                "values": self._values("values", 3),
                "style": {"evidence": -2, "tone": 1},
                "budget": {"min_cents": 100_000, "max_cents": 600_000, "unit": "year"},
                "format": "either",
                "languages": ["en"],
                "windows": ["tue_evening", "wed_morning"],
                **place,
            },
        )

    def _offer(self, number: int) -> RankableProvider:
        past = tuple(self._text(25) for _ in range(self._draw(0, 3)))
        ratings, invites = self._draw(0, 30), self._draw(0, 40)
        return RankableProvider(
            provider_id=number,
            passages=(self._text(6), self._text(self._draw(50, 90))),
            profile=self._profile(),
            rating_sum=ratings * 4.4,
            rating_count=ratings,
            completed_count=ratings,
            repeat_count=ratings // 4,
            invites=invites,
            accepts=invites * 2 // 3,
            active_count=self._draw(0, 4),
            pending_count=self._draw(0, 2),
            capacity=10,
            accepting_new=True,
            response_hours=float(self._draw(1, 72)),
            last_active=date.fromordinal(TODAY.toordinal() - self._draw(0, 90)),
            joined=date(2024, 1, 1),
            past=past,
            past_tags=tuple(tuple(self._values("specialties", 1)) for _ in past),
        )

    def _profile(self) -> dict[str, Any]:
        state, low = self._state(), self._draw(50, 900) * 1_000
        return {
            "specialties": self._values("specialties", 4),
            "niches": self._values("life_events", 2),
            "values": self._values("values", 3),
            "style": {"evidence": self._draw(-3, 3), "tone": self._draw(-3, 3)},
            "years_experience": self._draw(0, 35),
            "place": {"country": "US", "region": state, "city": state},
            "regions": [state, *self._values("us_states", 2)],
            "formats": ["remote", "in_person"][: self._draw(1, 2)],
            "languages": ["en", *self._values("languages", 1)],
            "windows": ["tue_evening", "thu_morning"],
            "price": {"min_cents": low, "max_cents": low * 2, "unit": "year"},
            "designations": self._values("designations", 2),
            "fiduciary": "always",
            "compensation": "fee_only",
            "minimum_assets": "a0",
        }

    def _draw(self, low: int, high: int) -> int:
        return low + int(self._random.random() * (high - low + 1))

    def _word(self, rank: int) -> str:
        parts = []
        for place in range(3):
            parts.append(SYLLABLES[rank % len(SYLLABLES)])
            rank = rank // len(SYLLABLES) + 7 * place
        return "".join(parts)

    def _text(self, words: int) -> str:
        written = self._random.choices(self._words, cum_weights=self._odds, k=words)
        sentences = (" ".join(written[i : i + 12]) for i in range(0, words, 12))
        return ". ".join(sentences) + "."

    def _values(self, vocabulary: str, count: int) -> list[str]:
        return self._random.sample(self._options[vocabulary], count)

    def _state(self) -> str:
        return self._random.choices(self._options["us_states"], cum_weights=self._state_odds)[0]


def locate(place: Mapping[str, Any]) -> tuple[float, float]:
    """Somewhere in the country, the same for the same city."""
    seed = sum(map(ord, place["city"]))
    return 30 + seed % 17, -120 + seed % 41


def told(name: str, calls: Iterable[Callable[[], object]]) -> None:
    """Run the calls one by one and print percentiles in milliseconds."""
    clock, processor = [], []
    for call in calls:
        started, worked = time.perf_counter(), time.thread_time()
        call()
        clock.append(1000 * (time.perf_counter() - started))
        processor.append(1000 * (time.thread_time() - worked))
    by_clock, by_processor = np.percentile(clock, [50, 99]), np.percentile(processor, [50, 99])
    print(
        f"  {name:34s} clock p50 {by_clock[0]:7.2f} p99 {by_clock[1]:7.2f} ms"
        f"   processor p50 {by_processor[0]:6.2f} p99 {by_processor[1]:6.2f} ms"
    )


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def measure(size: int) -> None:
    fiction = Fiction(definition("financial_advisors"), seed=7)
    pool = Pool(definition("financial_advisors"), locate)
    drawn = []  # seconds that drawing took, which is not loading

    def drawing() -> Iterator[RankableProvider]:
        offers = fiction.offers(size)
        for _ in range(size):
            started = time.thread_time()
            offer = next(offers)
            drawn.append(time.thread_time() - started)
            yield offer

    worked = time.thread_time()
    pool.upsert(drawing())
    built = time.thread_time() - worked - sum(drawn)
    gc.collect()
    print(
        f"{size:,} providers: loaded in {built:.1f} s of the processor's time, "
        f"{resident_mib():.0f} MiB"
    )
    for with_state, name in ((True, "state named"), (False, "no rule narrows")):
        needs = [fiction.need(with_state=with_state) for _ in range(REQUESTS)]
        for need in needs[:20]:
            pool.rank(need, seed=1, today=TODAY)
        told(f"rank, {name}", (partial(pool.rank, n, seed=1, today=TODAY) for n in needs))
        told(f"count left, {name}", (partial(pool.count_left, n, TODAY) for n in needs))
    changed = list(fiction.offers(UPDATES))
    told("change one profile", (partial(pool.upsert, [offer]) for offer in changed))
    need = fiction.need(with_state=False)

    def change_and_rank(offer: RankableProvider) -> None:
        pool.upsert([offer])
        pool.rank(need, seed=1, today=TODAY)

    told("change one profile, then rank", (partial(change_and_rank, offer) for offer in changed))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--providers", type=int, nargs="+", default=[2_000, 20_000, 100_000])
    for size in parser.parse_args().providers:
        measure(size)


if __name__ == "__main__":
    main()
