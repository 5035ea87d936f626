"""How fast POT moves and is read, beside what the drivers and the disk can do in the same run.

    python -m bench.ledger.speed [--databases sqlite postgresql] [--clients 1 8 32]
        [--seconds 3] [--rounds 3] [--rows 100000] [--people 10000] [--folder DIRECTORY]
        [--parts posting batches reading] [--hordak-python PYTHON]

Each round measures everybody in turn, so that a slower moment of the machine meets all of them;
printed are medians of the rounds, and the longest wait of all. Every commit waits for the disk.
PostgreSQL is the one that PyPI ships. `--rows` is how long the journal is that is read: with
10000000 the SQLite file takes about 5 GB, and filling it some minutes.
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
    given = _arguments()
    quiet = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=quiet)
    print(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f}, "
        f"{reads.fsyncs_a_second(given.folder):,.0f} writes to disk a second (one after another)"
    )
    for kind in given.databases:
        with databases.filled(kind, given.people, given.folder) as url:
            if "posting" in given.parts:
                _posting(kind, url, given)
            if "batches" in given.parts:
                _batches(kind, given)
            if "reading" in given.parts:
                _reading(kind, url, given)
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
    parser.add_argument("--folder", help="where the databases are kept meanwhile")
    parser.add_argument("--hordak-python", help="a Python with django-hordak: see hordak.py")
    return parser.parse_args()


def _posting(kind: str, url: str, given: argparse.Namespace) -> None:
    """One movement a call, by so many clients at once."""
    print(f"\n### {kind}: one award or spend a call\n")
    print("| clients | who | a second | p50 ms | p99 ms | longest ms | of the driver alone |")
    print("|---|---|---|---|---|---|---|")
    for count in given.clients:
        for one_category in (False, True):
            _compare(kind, url, given, count, one_category=one_category)


def _compare(
    kind: str, url: str, given: argparse.Namespace, count: int, *, one_category: bool
) -> None:
    openings = _openings(kind, url, given.people, one_category=one_category)
    rounds: dict[str, list[Times]] = {name: [] for name in openings}
    for _ in range(given.rounds):
        for name, opening in openings.items():
            with opening() as client:
                rounds[name].append(load.run(client, count, given.seconds))
        if kind == "postgresql" and given.hordak_python:
            rounds.setdefault("django-hordak", []).append(
                _hordak(url, given, count, one_account=one_category)
            )
    alone = next(name for name in openings if name.startswith("driver"))
    where = "one category" if one_category else "any category"
    for name, measured in rounds.items():
        seen = load.middle(measured)
        # Round by round: whatever slowed the machine down slowed both.
        pairs = zip(measured, rounds[alone], strict=True)
        ratio = median(one.rate / other.rate for one, other in pairs)
        print(
            f"| {count} | {name}, {where} | {seen.rate:,.0f} | {seen.p50:.2f} | {seen.p99:.1f} |"
            f" {seen.longest:.0f} | {ratio:.2f} |",
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


def _hordak(url: str, given: argparse.Namespace, count: int, *, one_account: bool) -> Times:
    run = [given.hordak_python, "-m", "bench.ledger.hordak", databases.beside(url, "hordak")]
    run += ["--clients", str(count), "--seconds", str(given.seconds)]
    run += ["--one-account"] if one_account else []
    printed = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    return Times(**json.loads(printed))


def _batches(kind: str, given: argparse.Namespace) -> None:
    print(f"\n### {kind}: post_many, {reads.BATCH:,} movements a call, one caller\n")
    rounds = [reads.batches(given.people, 20 * reads.BATCH) for _ in range(given.rounds)]
    seen = load.middle(rounds)
    print("| movements a second | a call's p50 ms | p99 ms | longest ms |\n|---|---|---|---|")
    print(f"| {seen.rate:,.0f} | {seen.p50:.1f} | {seen.p99:.1f} | {seen.longest:.0f} |")


def _reading(kind: str, url: str, given: argparse.Namespace) -> None:
    filled = reads.batches(given.people, given.rows)
    sealing = reads.seal_all()
    print(f"\n### {kind}: reading after {given.rows:,} more rows\n")
    print(
        f"Filled at {filled.rate:,.0f} a second, sealed in {sealing:.1f} s"
        f"{f', file of {size:,.0f} MiB' if (size := reads.size_mib(url)) else ''}.\n"
    )
    print("| what | p50 ms | p99 ms | longest ms |\n|---|---|---|---|")
    for name, seen in reads.reading(given.people, _REPEAT).items():
        print(f"| {name} | {seen.p50:.2f} | {seen.p99:.2f} | {seen.longest:.1f} |")
    rows, seconds = reads.audited()
    print(f"\nAudit of {rows:,} rows: {seconds:.1f} s, no drift.")


if __name__ == "__main__":
    main()
