"""Callers in threads, each with the next call as soon as it has an answer, and their times."""

import gc
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from statistics import median

Call = Callable[[random.Random], object]
# Opened in the caller's own thread, and closed there at the end.
Client = Callable[[], AbstractContextManager[Call]]


@dataclass(frozen=True, slots=True)
class Times:
    """What a load showed; waits in milliseconds."""

    rate: float
    p50: float
    p99: float
    longest: float


@dataclass(slots=True)
class _Run:
    """One load: when it begins to count, when it ends, and every wait that counts."""

    client: Client
    seconds: float
    together: threading.Barrier
    begin: float = 0.0
    end: float = 0.0
    waits: list[float] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)

    def set_times(self) -> None:
        self.begin = time.perf_counter() + self.seconds / 10
        self.end = self.begin + self.seconds

    def work(self, number: int) -> None:
        chance = random.Random(number)
        waits: list[float] = []
        try:
            with self.client() as call:
                call(chance)  # connects and prepares
                self.together.wait()
                while (asked := time.perf_counter()) < self.end:
                    call(chance)
                    if asked >= self.begin:
                        waits.append(time.perf_counter() - asked)
        except threading.BrokenBarrierError:
            return  # another one's error is told
        except BaseException as error:  # noqa: BLE001 -- raised again by the main thread
            self.errors.append(error)
            self.together.abort()
        self.waits += waits


def run(client: Client, clients: int, seconds: float) -> Times:
    """So many clients for so long, after a tenth of the time that does not count."""
    load = _Run(client, seconds, threading.Barrier(clients))
    load.together = threading.Barrier(clients, action=load.set_times)
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
    """Figures of waits in seconds that fell into so many seconds."""
    ordered = sorted(waits)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000

    return Times(len(ordered) / seconds, at(0.5), at(0.99), ordered[-1] * 1000)


def middle(rounds: Sequence[Times]) -> Times:
    """Each figure's median, but the longest wait of all rounds."""
    return Times(
        median(one.rate for one in rounds),
        median(one.p50 for one in rounds),
        median(one.p99 for one in rounds),
        max(one.longest for one in rounds),
    )
