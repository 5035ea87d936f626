"""How the pages from question to matches hold up: an open-loop load on a server of its own.

    python -m bench.http.load [--providers 20000] [--rate 20] [--seconds 60] [--saturate]

Starts a server on a fresh SQLite database with demo providers of one category, on a free port of
this machine, and stops it at the end. `--saturate` raises the rate until the 95th percentile
passes a second or answers fail.
"""

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.http.walks import Measured, offer

RATES = (20, 40, 60, 80, 100, 120, 150, 200, 250, 300)
BROKEN_SECONDS = 1.0


@contextmanager
def serving(providers: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        environment = {
            **os.environ,
            "IMATCH_DATABASE_URL": f"sqlite:///{Path(folder) / 'bench.db'}",
            "IMATCH_LOG_LEVEL": "warning",
            "IMATCH_TRUSTED_PROXIES": "127.0.0.1",  # each walk says which network it comes from
        }
        run = [sys.executable, "-m", "imatch"]
        subprocess.run([*run, "migrate"], env=environment, check=True, stdout=subprocess.DEVNULL)
        demo = [*run, "demo", "--providers", str(providers), "--seekers", "0"]
        subprocess.run(demo, env=environment, check=True, stdout=subprocess.DEVNULL)
        server = subprocess.Popen([*run, "serve", "--port", str(port)], env=environment)
        try:
            base_url = f"http://127.0.0.1:{port}"
            wait_until_healthy(base_url)
            yield base_url
        finally:
            server.terminate()
            server.wait(20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(base_url: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"{base_url}/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    sys.exit("the server did not answer within 30 seconds")


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--providers", type=int, default=20_000)
    parser.add_argument("--rate", type=float, default=20, help="requests a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--saturate", action="store_true")
    options = parser.parse_args()
    with serving(options.providers) as base_url:
        asyncio.run(offer(base_url, 20, 5))  # the first request builds the index
        if not options.saturate:
            report(options.rate, asyncio.run(offer(base_url, options.rate, options.seconds)))
            return
        for rate in RATES:
            measured = asyncio.run(offer(base_url, rate, options.seconds))
            if report(rate, measured) > BROKEN_SECONDS or measured.errors:
                break


if __name__ == "__main__":
    main()
