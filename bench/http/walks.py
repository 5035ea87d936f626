"""Simulated visitors who walk from the home page to their matches on a fixed schedule."""

import asyncio
import ipaddress
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx2

CATEGORY = "financial_advisors"
PAUSE_SECONDS = 0.25
NEEDS = (
    "I have RSUs and stock options and want to retire early without a tax surprise.",
    "We inherited a house and do not know what to do about taxes and the rest of the estate.",
    "Debt has piled up after a divorce and I need a plan I can keep to.",
    "I run a small business and have never put anything aside for retirement.",
)
PAGES = (
    {},
    {"format": "either"},
    {"budget.max": "400", "budget.unit": "session"},
    {},
    {},
    {"values": "integrity"},
)


@dataclass(slots=True)
class Measurements:
    """Response times in seconds by page, counted from when each request was due."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def all_seconds(self) -> list[float]:
        return sorted(second for page in self.seconds.values() for second in page)


async def run_load(base_url: str, requests_per_second: float, seconds: float) -> Measurements:
    """Run an open-loop load: walks start on schedule, even if earlier ones have not finished."""
    measurements = Measurements()
    steps = len(PAGES) + 4
    walks = int(requests_per_second * seconds / steps)
    rng = random.Random(1)
    begin = time.perf_counter() + 0.2
    starts = sorted(begin + rng.random() * seconds for _ in range(walks))
    limits = httpx2.Limits(max_connections=400, max_keepalive_connections=100)
    async with httpx2.AsyncHTTPTransport(limits=limits) as transport:
        await asyncio.gather(
            *(
                _walk(base_url, transport, start, address, rng.choice(NEEDS), measurements)
                for start, address in zip(starts, _addresses(), strict=False)
            )
        )
    return measurements


def _addresses() -> Iterator[str]:
    """A different network address for each walk, because needs per network are rate-limited."""
    return (str(address) for address in ipaddress.ip_network("10.0.0.0/8").hosts())


async def _walk(
    base_url: str,
    transport: httpx2.AsyncHTTPTransport,
    start: float,
    address: str,
    need: str,
    measurements: Measurements,
) -> None:
    headers = {"X-Forwarded-For": address}
    client = httpx2.AsyncClient(base_url=base_url, transport=transport, timeout=30, headers=headers)
    requests = [("GET", "/", None), ("GET", f"/find?category={CATEGORY}", None)]
    for number, answers in enumerate(PAGES, start=1):
        form = {"needs_description": need, **answers} if number == 1 else answers
        requests.append(("POST", f"/find/{CATEGORY}/{number}", form))
    requests += [("POST", f"/find/{CATEGORY}/check", {}), ("GET", "/matches", None)]
    for step, (method, path, form) in enumerate(requests):
        due = start + step * PAUSE_SECONDS
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        page = f"{method} {path.split('?')[0]}"
        try:
            response = await client.request(method, path, data=form)
        except httpx2.HTTPError as error:
            measurements.errors.append(f"{page}: {type(error).__name__}")
            return
        measurements.seconds.setdefault(page, []).append(time.perf_counter() - due)
        if response.status_code not in (200, 303):
            measurements.errors.append(f"{page}: {response.status_code}")
            return
