"""How long one request takes in pools of several sizes: `python -m bench.matching.speed`.

Documents are drawn with a seed: words by Zipf's law from 30,000, bios of 50 to 90 counted words, up to
three earlier requests each. Two kinds of request: one that names its state, as most do, and one
that no rule narrows. Run it on a quiet machine, several times.
"""

import argparse
import gc
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from imatch.categories.catalog import definition
from imatch.categories.schemas import CategoryDefinition
from imatch.matches.engine import Need, Offer, Pool

TODAY = date(2026, 1, 1)
WORDS = 30_000
SYLLABLES = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
REQUESTS = 300
UPDATES = 50


class Fiction:
    """Draws providers and needs of a category."""

    def __init__(self, category: CategoryDefinition, seed: int) -> None:
        self._category = category
        self._random = np.random.default_rng(seed)
        self._words = [self._word(rank) for rank in range(WORDS)]
        odds = 1 / np.arange(1, WORDS + 1)
        self._cumulative = np.cumsum(odds / odds.sum())
        self._states = list(category.vocabularies["us_states"])
        odds = 1 / np.arange(1, len(self._states) + 1) ** 0.7
        self._state_odds = odds / odds.sum()

    def offers(self, count: int, first: int = 0) -> Iterator[Offer]:
        for number in range(first, first + count):
            yield self._offer(number)

    def need(self, *, with_state: bool) -> Need:
        state = self._state() if with_state else None
        place = {"place": {"country": "US", "region": state, "city": state}} if state else {}
        return Need(
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

    def _offer(self, number: int) -> Offer:
        draw = self._random.integers
        state, low = self._state(), int(draw(50, 900)) * 1_000
        past = tuple(self._text(25) for _ in range(draw(0, 4)))
        invites = int(draw(0, 40))
        ratings = int(draw(0, 30))
        profile = {
            "specialties": self._values("specialties", 4),
            "niches": self._values("life_events", 2),
            "values": self._values("values", 3),
            "style": {"evidence": int(draw(-3, 4)), "tone": int(draw(-3, 4))},
            "years_experience": int(draw(0, 35)),
            "place": {"country": "US", "region": state, "city": state},
            "regions": [state, *self._values("us_states", 2)],
            "formats": ["remote", "in_person"][: int(draw(1, 3))],
            "languages": ["en", *self._values("languages", 1)],
            "windows": ["tue_evening", "thu_morning"],
            "price": {"min_cents": low, "max_cents": low * 2, "unit": "year"},
            "designations": self._values("designations", 2),
            "fiduciary": "always",
            "compensation": "fee_only",
            "minimum_assets": "a0",
        }
        return Offer(
            provider_id=number,
            passages=(self._text(6), self._text(int(draw(50, 91)))),
            profile=profile,
            rating_sum=ratings * 4.4,
            rating_count=ratings,
            completed_count=ratings,
            repeat_count=ratings // 4,
            invites=invites,
            accepts=invites * 2 // 3,
            active_count=int(draw(0, 5)),
            pending_count=int(draw(0, 3)),
            capacity=10,
            accepting_new=True,
            response_hours=float(draw(1, 72)),
            last_active=date.fromordinal(TODAY.toordinal() - int(draw(0, 90))),
            joined=date(2024, 1, 1),
            past=past,
            past_tags=tuple(tuple(self._values("specialties", 1)) for _ in past),
        )

    def _word(self, rank: int) -> str:
        parts = []
        for _ in range(2 + rank % 3):
            parts.append(SYLLABLES[rank % len(SYLLABLES)])
            rank = rank // len(SYLLABLES) + rank * 7 + 13
        return "".join(parts) + "x" * (rank % 2)

    def _text(self, words: int) -> str:
        ranks = np.searchsorted(self._cumulative, self._random.random(words))
        written = [self._words[rank] for rank in ranks.tolist()]
        sentences = (" ".join(written[i : i + 12]) for i in range(0, words, 12))
        return ". ".join(sentences) + "."

    def _values(self, vocabulary: str, count: int) -> list[str]:
        options = list(self._category.vocabularies[vocabulary])
        return [options[i] for i in self._random.choice(len(options), count, replace=False)]

    def _state(self) -> str:
        return self._states[int(self._random.choice(len(self._states), p=self._state_odds))]


def locate(place: Any) -> tuple[float, float]:
    """Somewhere in the country, the same for the same city."""
    seed = sum(map(ord, place["city"]))
    return 30 + seed % 17, -120 + seed % 41


def milliseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def told(name: str, times: list[float]) -> None:
    p50, p95, p99 = np.percentile(times, [50, 95, 99])
    print(f"  {name:34s} p50 {p50:7.2f}  p95 {p95:7.2f}  p99 {p99:7.2f} ms")


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def measure(size: int) -> None:
    fiction = Fiction(definition("financial_advisors"), seed=7)
    pool = Pool(definition("financial_advisors"), locate)
    started = time.perf_counter()
    pool.upsert(fiction.offers(size))
    built = time.perf_counter() - started
    gc.collect()
    print(f"{size:,} providers: drawn and loaded in {built:.1f} s, {resident_mib():.0f} MiB resident")
    for with_state, name in ((True, "rank, state named"), (False, "rank, no rule narrows")):
        needs = [fiction.need(with_state=with_state) for _ in range(REQUESTS)]
        for need in needs[:20]:
            pool.rank(need, seed=1, today=TODAY)
        told(name, [milliseconds(lambda n=n: pool.rank(n, seed=1, today=TODAY)) for n in needs])
        told(f"count left, {name[6:]}", [milliseconds(lambda n=n: pool.count_left(n, TODAY)) for n in needs])
    changed = [[offer] for offer in fiction.offers(UPDATES)]
    told("change one profile", [milliseconds(lambda c=c: pool.upsert(c)) for c in changed])
    need = fiction.need(with_state=False)
    pairs = [
        milliseconds(lambda c=c: (pool.upsert(c), pool.rank(need, seed=1, today=TODAY))) for c in changed
    ]
    told("change one profile, then rank", pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--providers", type=int, nargs="+", default=[2_000, 20_000, 100_000])
    for size in parser.parse_args().providers:
        measure(size)


if __name__ == "__main__":
    main()
