"""How the pages from question to matches hold up: an open-loop load on a server of its own.

    python -m bench.http.load [--providers 20000] [--rate 20] [--seconds 60] [--rounds 1]
        [--saturate] [--against CHECKOUT]

Starts a server on a fresh SQLite database with demo providers of one category, on a free port of
this machine, and stops it at the end. With `--against`, another checkout's server takes turns with
this one's in each round. `--saturate` raises the rate until the 95th percentile passes a second or
answers fail.
"""

import argparse
import asyncio
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench.http.servers import HERE, demo_database, serving
from bench.http.walks import Measured, offer

RATES = (20, 40, 60, 80, 100, 120, 150, 200, 250, 300)
BROKEN_SECONDS = 1.0
SETTINGS = {
    "IMATCH_LOG_LEVEL": "warning",
    "IMATCH_TRUSTED_PROXIES": "127.0.0.1",  # each walk says which network it comes from
}


def report(rate: float, measured: Measured) -> float:
    """Print a line for the rate and one for each page; returns the 95th percentile in seconds."""
    everything = measured.all_seconds()
    p50, p95, p99 = (percentile(everything, share) for share in (0.50, 0.95, 0.99))
    print(
        f"{rate:5.0f} requests/s: {len(everything)} answers, p50 {p50 * 1000:.0f} ms, "
        f"p95 {p95 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, {len(measured.errors)} errors"
    )
    for page, seconds in measured.seconds.items():
        seconds.sort()
        print(
            f"        {page:40s} p50 {percentile(seconds, 0.5) * 1000:6.0f} ms"
            f"   p95 {percentile(seconds, 0.95) * 1000:6.0f} ms"
        )
    for error in sorted(set(measured.errors))[:5]:
        print(f"        error {error}")
    return p95


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def measure(name: str, base_url: str, rate: float, seconds: float) -> bool:
    """Print what walks at this rate met; returns whether the server kept up."""
    print(f"{name}: ", end="")
    measured = asyncio.run(offer(base_url, rate, seconds))
    return report(rate, measured) <= BROKEN_SECONDS and not measured.errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--providers", type=int, default=20_000)
    parser.add_argument("--rate", type=float, default=20, help="requests a second")
    parser.add_argument("--seconds", type=float, default=60, help="for each round")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--saturate", action="store_true")
    parser.add_argument("--against", type=Path, help="a checkout with its own .venv")
    options = parser.parse_args()
    checkouts = {"now": HERE}
    if options.against:
        checkouts = {"before": options.against, **checkouts}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = {}
        for name, checkout in checkouts.items():
            url = demo_database(
                folder / f"{name}.db", checkout=checkout, providers=options.providers, seekers=0
            )
            server = stack.enter_context(serving(url, checkout=checkout, settings=SETTINGS))
            asyncio.run(offer(server.base_url, 20, 5))  # the first request builds the index
            servers[name] = server.base_url
        if options.saturate:
            for name, base_url in servers.items():
                all(measure(name, base_url, rate, options.seconds) for rate in RATES)
            return
        for _ in range(options.rounds):
            for name, base_url in servers.items():
                measure(name, base_url, options.rate, options.seconds)


if __name__ == "__main__":
    main()
