"""FairLock: threads acquire it in the order of their requests; re-entry is refused."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from imatch.core.fair_lock import FairLock


def test_one_thread_holds_the_lock_at_a_time() -> None:
    lock = FairLock("counting", timeout_seconds=30)
    counter = [0]

    def count(_: int) -> None:
        for _ in range(200):
            with lock:
                before = counter[0]
                threading.Event().wait(0)
                counter[0] = before + 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    assert counter == [1600]


def test_threads_acquire_the_lock_in_the_order_of_their_requests() -> None:
    lock = FairLock("writing", timeout_seconds=30)
    order: list[int] = []

    def acquire(number: int) -> None:
        with lock:
            order.append(number)

    with ThreadPoolExecutor(5) as pool:
        with lock:
            futures: list[Future[None]] = []
            for number in range(5):
                futures.append(pool.submit(acquire, number))
                while lock.waiting < number + 1:
                    threading.Event().wait(0.001)
        for future in futures:
            future.result(timeout=30)
    assert order == [0, 1, 2, 3, 4]


def test_reentry_is_refused() -> None:
    lock = FairLock("writing", timeout_seconds=30)
    with lock, pytest.raises(RuntimeError, match="This thread is writing already"):
        lock.__enter__()
    with lock:
        assert lock.waiting == 0


def test_waiting_times_out() -> None:
    lock = FairLock("writing", timeout_seconds=0.01)

    def acquire() -> None:
        with lock:
            pass

    with ThreadPoolExecutor(1) as pool:
        with lock, pytest.raises(TimeoutError, match=r"Waited 0\.01 s for writing"):
            pool.submit(acquire).result(timeout=30)
        pool.submit(acquire).result(timeout=30)
    assert lock.waiting == 0
