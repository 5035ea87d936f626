"""The time of one request in pools of several sizes: `python -m bench.matching.speed`.

Documents are generated from a seed: words by Zipf's law from 30,000, bios of 50 to 90 words, up to
three earlier requests each. There are two kinds of request: one that names its state, as most do,
and one that no gate narrows. Prints wall and processor time, because the latter is more stable on a
shared machine. Run it on a quiet machine, several times.
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


class Generator:
    """Generates random providers and needs of a category."""

    def __init__(self, category: CategoryDefinition, seed: int) -> None:
        self._category = category
        self._random = random.Random(seed)
        self._words = [self._word(rank) for rank in range(WORDS)]
        self._cumulative_weights = list(accumulate(1 / rank for rank in range(1, WORDS + 1)))
        self._options = {name: list(values) for name, values in category.vocabularies.items()}
        states = range(1, len(self._options["us_states"]) + 1)
        self._state_weights = list(accumulate(rank**-0.7 for rank in states))

    def providers(self, count: int, first: int = 0) -> Iterator[RankableProvider]:
        return (self._provider(number) for number in range(first, first + count))

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

    def _provider(self, number: int) -> RankableProvider:
        past = tuple(self._text(25) for _ in range(self._integer(0, 3)))
        ratings, invites = self._integer(0, 30), self._integer(0, 40)
        return RankableProvider(
            provider_id=number,
            passages=(self._text(6), self._text(self._integer(50, 90))),
            profile=self._profile(),
            rating_sum=ratings * 4.4,
            rating_count=ratings,
            completed_count=ratings,
            repeat_count=ratings // 4,
            invites=invites,
            accepts=invites * 2 // 3,
            active_count=self._integer(0, 4),
            pending_count=self._integer(0, 2),
            capacity=10,
            accepting_new=True,
            response_hours=float(self._integer(1, 72)),
            last_active=date.fromordinal(TODAY.toordinal() - self._integer(0, 90)),
            joined=date(2024, 1, 1),
            past=past,
            past_tags=tuple(tuple(self._values("specialties", 1)) for _ in past),
        )

    def _profile(self) -> dict[str, Any]:
        state, low = self._state(), self._integer(50, 900) * 1_000
        return {
            "specialties": self._values("specialties", 4),
            "niches": self._values("life_events", 2),
            "values": self._values("values", 3),
            "style": {"evidence": self._integer(-3, 3), "tone": self._integer(-3, 3)},
            "years_experience": self._integer(0, 35),
            "place": {"country": "US", "region": state, "city": state},
            "regions": [state, *self._values("us_states", 2)],
            "formats": ["remote", "in_person"][: self._integer(1, 2)],
            "languages": ["en", *self._values("languages", 1)],
            "windows": ["tue_evening", "thu_morning"],
            "price": {"min_cents": low, "max_cents": low * 2, "unit": "year"},
            "designations": self._values("designations", 2),
            "fiduciary": "always",
            "compensation": "fee_only",
            "minimum_assets": "a0",
        }

    def _integer(self, low: int, high: int) -> int:
        return low + int(self._random.random() * (high - low + 1))

    def _word(self, rank: int) -> str:
        parts = []
        for position in range(3):
            parts.append(SYLLABLES[rank % len(SYLLABLES)])
            rank = rank // len(SYLLABLES) + 7 * position
        return "".join(parts)

    def _text(self, words: int) -> str:
        words_drawn = self._random.choices(
            self._words, cum_weights=self._cumulative_weights, k=words
        )
        sentences = (" ".join(words_drawn[i : i + 12]) for i in range(0, words, 12))
        return ". ".join(sentences) + "."

    def _values(self, vocabulary: str, count: int) -> list[str]:
        return self._random.sample(self._options[vocabulary], count)

    def _state(self) -> str:
        return self._random.choices(self._options["us_states"], cum_weights=self._state_weights)[0]


def locate(place: Mapping[str, Any]) -> tuple[float, float]:
    """Invented coordinates, the same for the same city."""
    seed = sum(map(ord, place["city"]))
    return 30 + seed % 17, -120 + seed % 41


def measure_calls(name: str, calls: Iterable[Callable[[], object]]) -> None:
    """Run the calls in sequence and print percentiles in milliseconds."""
    wall_ms, processor_ms = [], []
    for call in calls:
        started, processor_started = time.perf_counter(), time.thread_time()
        call()
        wall_ms.append(1000 * (time.perf_counter() - started))
        processor_ms.append(1000 * (time.thread_time() - processor_started))
    wall, processor = np.percentile(wall_ms, [50, 99]), np.percentile(processor_ms, [50, 99])
    print(
        f"  {name:34s} clock p50 {wall[0]:7.2f} p99 {wall[1]:7.2f} ms"
        f"   processor p50 {processor[0]:6.2f} p99 {processor[1]:6.2f} ms"
    )


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def measure(size: int) -> None:
    generator = Generator(definition("financial_advisors"), seed=7)
    pool = Pool(definition("financial_advisors"), locate)
    generation_seconds = []  # spent on generating, not on loading

    def generated() -> Iterator[RankableProvider]:
        providers = generator.providers(size)
        for _ in range(size):
            started = time.thread_time()
            provider = next(providers)
            generation_seconds.append(time.thread_time() - started)
            yield provider

    processor_started = time.thread_time()
    pool.upsert(generated())
    load_seconds = time.thread_time() - processor_started - sum(generation_seconds)
    gc.collect()
    print(
        f"{size:,} providers: loaded in {load_seconds:.1f} s of the processor's time, "
        f"{resident_mib():.0f} MiB"
    )
    for with_state, name in ((True, "state named"), (False, "no gate narrows")):
        needs = [generator.need(with_state=with_state) for _ in range(REQUESTS)]
        for need in needs[:20]:
            pool.rank(need, seed=1, today=TODAY)
        measure_calls(f"rank, {name}", (partial(pool.rank, n, seed=1, today=TODAY) for n in needs))
        measure_calls(f"count, {name}", (partial(pool.count_passing, n, TODAY) for n in needs))
    changed = list(generator.providers(UPDATES))
    measure_calls("change one profile", (partial(pool.upsert, [provider]) for provider in changed))
    need = generator.need(with_state=False)

    def change_and_rank(provider: RankableProvider) -> None:
        pool.upsert([provider])
        pool.rank(need, seed=1, today=TODAY)

    measure_calls(
        "change one profile, then rank",
        (partial(change_and_rank, provider) for provider in changed),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--providers", type=int, nargs="+", default=[2_000, 20_000, 100_000])
    for size in parser.parse_args().providers:
        measure(size)


if __name__ == "__main__":
    main()
