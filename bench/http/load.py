"""An open-loop load test of the pages from the questions to the matches.

    python -m bench.http.load [--providers 20000] [--rate 20] [--seconds 60] [--rounds 1]
        [--saturate] [--against CHECKOUT] [--settle 35]

Starts a server with a new SQLite database and demo providers of one category on a free port. With
`--against`, another checkout's server is measured alternately in each round. `--saturate` raises
the rate until the 95th percentile exceeds one second or requests fail. For 30 seconds after the
import, the matching pool compares every row again; `--settle` waits until that is over.
"""

import argparse
import asyncio
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench.http.servers import THIS_CHECKOUT, Server, demo_database, serving
from bench.http.walks import Measurements, run_load

RATES = (20, 40, 60, 80, 100, 120, 150, 200, 250, 300)
SATURATED_P95_SECONDS = 1.0
SETTINGS = {
    "IMATCH_LOG_LEVEL": "warning",
    "IMATCH_TRUSTED_PROXIES": "127.0.0.1",  # each walk names its own network
}


def report(rate: float, measurements: Measurements) -> float:
    """Print a line for the rate and one for each page. Returns the 95th percentile in seconds."""
    all_seconds = measurements.all_seconds()
    p50, p95, p99 = (percentile(all_seconds, share) for share in (0.50, 0.95, 0.99))
    print(
        f"{rate:5.0f} requests/s: {len(all_seconds)} answers, p50 {p50 * 1000:.0f} ms, "
        f"p95 {p95 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, {len(measurements.errors)} errors"
    )
    for page, seconds in measurements.seconds.items():
        seconds.sort()
        print(
            f"        {page:40s} p50 {percentile(seconds, 0.5) * 1000:6.0f} ms"
            f"   p95 {percentile(seconds, 0.95) * 1000:6.0f} ms"
        )
    for error in sorted(set(measurements.errors))[:5]:
        print(f"        error {error}")
    return p95


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def measure(name: str, server: Server, rate: float, seconds: float) -> bool:
    """Run walks at this rate and print the result. Returns whether the server kept up."""
    used = server.processor_seconds()
    measurements = asyncio.run(run_load(server.base_url, rate, seconds))
    used = (server.processor_seconds() - used) / max(len(measurements.all_seconds()), 1)
    print(f"{name}, {used * 1000:.1f} ms of processor a request:")
    return report(rate, measurements) <= SATURATED_P95_SECONDS and not measurements.errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--providers", type=int, default=20_000)
    parser.add_argument("--rate", type=float, default=20, help="requests a second")
    parser.add_argument("--seconds", type=float, default=60, help="for each round")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--saturate", action="store_true")
    parser.add_argument("--against", type=Path, help="a checkout with its own .venv")
    parser.add_argument("--settle", type=float, default=35, help="seconds before measuring")
    options = parser.parse_args()
    checkouts = {"now": THIS_CHECKOUT}
    if options.against:
        checkouts = {"before": options.against, **checkouts}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = {}
        for name, checkout in checkouts.items():
            url = demo_database(
                folder / f"{name}.db", checkout=checkout, providers=options.providers, seekers=0
            )
            servers[name] = stack.enter_context(serving(url, checkout=checkout, settings=SETTINGS))
            asyncio.run(run_load(servers[name].base_url, 20, 5))  # the first request loads the pool
        time.sleep(options.settle)
        if options.saturate:
            for name, server in servers.items():
                all(measure(name, server, rate, options.seconds) for rate in RATES)
            return
        for _ in range(options.rounds):
            for name, server in servers.items():
                measure(name, server, options.rate, options.seconds)


if __name__ == "__main__":
    main()
