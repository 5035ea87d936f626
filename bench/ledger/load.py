"""A closed-loop load: threads that call without pause, and the times of their calls."""

import gc
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from statistics import median

Call = Callable[[random.Random], object]
# Opened and closed in the caller's thread.
Client = Callable[[], AbstractContextManager[Call]]


@dataclass(frozen=True, slots=True)
class Times:
    """The result of a load: calls per second, and response times in milliseconds."""

    rate: float
    p50: float
    p99: float
    longest: float


@dataclass(slots=True)
class _Run:
    """A running load: the measured time span, and the response times within it."""

    client: Client
    seconds: float
    barrier: threading.Barrier
    begin: float = 0.0
    end: float = 0.0
    waits: list[float] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)

    def set_times(self) -> None:
        self.begin = time.perf_counter() + self.seconds / 10
        self.end = self.begin + self.seconds

    def work(self, number: int) -> None:
        rng = random.Random(number)
        waits: list[float] = []
        try:
            with self.client() as call:
                call(rng)  # warm-up: connects and prepares
                self.barrier.wait()
                while (started := time.perf_counter()) < self.end:
                    call(rng)
                    if started >= self.begin:
                        waits.append(time.perf_counter() - started)
        except threading.BrokenBarrierError:
            return  # another thread's error is reported
        except BaseException as error:  # noqa: BLE001 -- raised again by the main thread
            self.errors.append(error)
            self.barrier.abort()
        self.waits += waits


def run(client: Client, clients: int, seconds: float) -> Times:
    """Run `clients` threads for `seconds`, after a warm-up of a tenth of that time.

    Raises the first error of a client.
    """
    load = _Run(client, seconds, threading.Barrier(clients))
    load.barrier = threading.Barrier(clients, action=load.set_times)
    threads = [threading.Thread(target=load.work, args=(number,)) for number in range(clients)]
    gc.collect()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if load.errors:
        raise load.errors[0]
    return times(load.waits, seconds)


def times(waits: Sequence[float], seconds: float) -> Times:
    """The Times of these response times, in seconds, measured over `seconds`."""
    ordered = sorted(waits)

    def percentile_ms(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000

    return Times(
        len(ordered) / seconds, percentile_ms(0.5), percentile_ms(0.99), ordered[-1] * 1000
    )


def median_times(rounds: Sequence[Times]) -> Times:
    """The median of each figure, and the longest response time of all rounds."""
    return Times(
        median(result.rate for result in rounds),
        median(result.p50 for result in rounds),
        median(result.p99 for result in rounds),
        max(result.longest for result in rounds),
    )
