"""The speed of POT movements and reads, compared with the raw drivers in the same run.

    python -m bench.ledger.speed [--databases sqlite postgresql] [--clients 1 8 32]
        [--seconds 3] [--rounds 3] [--rows 100000] [--people 10000] [--folder DIRECTORY]
        [--parts posting batches reading] [--hordak-python PYTHON]

Each round measures all clients in turn, so that a slow moment of the machine affects all of them.
Prints medians of the rounds and the longest response time. Every commit is flushed to disk.
PostgreSQL is the one that PyPI ships. `--rows` is the length of the journal for reads: with
10000000 the SQLite file takes about 5 GB and some minutes to fill.
"""

import argparse
import json
import logging
import os
import platform
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from statistics import median

import structlog

from bench.ledger import clients, databases, load, reads
from bench.ledger.load import Client, Times

Opening = Callable[[], AbstractContextManager[Client]]

_REPEAT = 300


def main() -> None:
    options = _arguments()
    bound_logger = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=bound_logger)
    print(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f}, "
        f"{reads.fsyncs_per_second(options.folder):,.0f} writes to disk a second (in sequence)"
    )
    for kind in options.databases:
        with databases.filled(kind, options.people, options.folder) as url:
            if "posting" in options.parts:
                _posting(kind, url, options)
            if "batches" in options.parts:
                _batches(kind, options)
            if "reading" in options.parts:
                _reading(kind, url, options)
    print(f"\nLoad average at the end {os.getloadavg()[0]:.1f}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds, parts = ["sqlite", "postgresql"], ["posting", "batches", "reading"]
    parser.add_argument("--databases", nargs="+", choices=kinds, default=kinds)
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--clients", nargs="+", type=int, default=[1, 8, 32])
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--folder", help="where the databases are created")
    parser.add_argument("--hordak-python", help="a Python with django-hordak: see hordak.py")
    return parser.parse_args()


def _posting(kind: str, url: str, options: argparse.Namespace) -> None:
    """One movement a call, by different numbers of clients."""
    print(f"\n### {kind}: one award or spend a call\n")
    print("| clients | who | a second | p50 ms | p99 ms | longest ms | of the driver alone |")
    print("|---|---|---|---|---|---|---|")
    for count in options.clients:
        for one_category in (False, True):
            _compare(kind, url, options, count, one_category=one_category)


def _compare(
    kind: str, url: str, options: argparse.Namespace, count: int, *, one_category: bool
) -> None:
    openings = _openings(kind, url, options.people, one_category=one_category)
    rounds: dict[str, list[Times]] = {name: [] for name in openings}
    for _ in range(options.rounds):
        for name, opening in openings.items():
            with opening() as client:
                rounds[name].append(load.run(client, count, options.seconds))
        if kind == "postgresql" and options.hordak_python:
            rounds.setdefault("django-hordak", []).append(
                _hordak(url, options, count, one_account=one_category)
            )
    driver = next(name for name in openings if name.startswith("driver"))
    categories = "one category" if one_category else "any category"
    for name, measured in rounds.items():
        times = load.median_times(measured)
        # Ratios are taken in each round, because a slow machine slows both.
        pairs = zip(measured, rounds[driver], strict=True)
        ratio = median(own.rate / driver_times.rate for own, driver_times in pairs)
        print(
            f"| {count} | {name}, {categories} | {times.rate:,.0f} | {times.p50:.2f} |"
            f" {times.p99:.1f} | {times.longest:.0f} | {ratio:.2f} |",
            flush=True,
        )


def _openings(kind: str, url: str, people: int, *, one_category: bool) -> dict[str, Opening]:
    service = clients.service(people, one_category=one_category)
    openings: dict[str, Opening] = {"POTService": lambda: nullcontext(service)}
    if kind == "sqlite":
        openings["driver, shared commits"] = lambda: clients.raw_sqlite(
            url, people, one_category=one_category
        )
        return openings
    openings["driver, one call each"] = lambda: clients.raw_postgresql(
        url, people, one_category=one_category
    )
    openings["driver, grouped"] = lambda: clients.raw_postgresql_grouped(
        url, people, one_category=one_category
    )
    return openings


def _hordak(url: str, options: argparse.Namespace, count: int, *, one_account: bool) -> Times:
    run = [
        options.hordak_python,
        "-m",
        "bench.ledger.hordak",
        databases.sibling_database(url, "hordak"),
    ]
    run += ["--clients", str(count), "--seconds", str(options.seconds)]
    run += ["--one-account"] if one_account else []
    output = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    return Times(**json.loads(output))


def _batches(kind: str, options: argparse.Namespace) -> None:
    print(f"\n### {kind}: post_many, {reads.BATCH_SIZE:,} movements a call, one caller\n")
    rounds = [
        reads.measure_batches(options.people, 20 * reads.BATCH_SIZE) for _ in range(options.rounds)
    ]
    times = load.median_times(rounds)
    print("| movements a second | a call's p50 ms | p99 ms | longest ms |\n|---|---|---|---|")
    print(f"| {times.rate:,.0f} | {times.p50:.1f} | {times.p99:.1f} | {times.longest:.0f} |")


def _reading(kind: str, url: str, options: argparse.Namespace) -> None:
    filled = reads.measure_batches(options.people, options.rows)
    sealing = reads.seal_all()
    print(f"\n### {kind}: reading after {options.rows:,} more rows\n")
    print(
        f"Filled at {filled.rate:,.0f} a second, sealed in {sealing:.1f} s"
        f"{f', file of {size:,.0f} MiB' if (size := reads.size_mib(url)) else ''}.\n"
    )
    print("| what | p50 ms | p99 ms | longest ms |\n|---|---|---|---|")
    for name, times in reads.measure_reads(options.people, _REPEAT).items():
        print(f"| {name} | {times.p50:.2f} | {times.p99:.2f} | {times.longest:.1f} |")
    rows, seconds = reads.measure_audit()
    print(f"\nAudit of {rows:,} rows: {seconds:.1f} s, no drift.")


if __name__ == "__main__":
    main()
