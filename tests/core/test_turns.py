"""Threads get a turn in the order in which they asked, and never wait for themselves."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from imatch.core.turns import Turns


def test_one_at_a_time() -> None:
    turns = Turns("counting", longest_wait_seconds=30)
    counted = [0]

    def count(_: int) -> None:
        for _turn in range(200):
            with turns:
                before = counted[0]
                threading.Event().wait(0)
                counted[0] = before + 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    assert counted == [1600]


def test_turns_come_in_the_order_of_asking() -> None:
    turns = Turns("writing", longest_wait_seconds=30)
    order: list[int] = []

    def take(number: int) -> None:
        with turns:
            order.append(number)

    with ThreadPoolExecutor(5) as pool:
        with turns:
            waiting: list[Future[None]] = []
            for number in range(5):
                waiting.append(pool.submit(take, number))
                while turns.waiting < number + 1:
                    threading.Event().wait(0.001)
        for future in waiting:
            future.result(timeout=30)
    assert order == [0, 1, 2, 3, 4]


def test_a_second_turn_of_the_same_thread_is_refused() -> None:
    turns = Turns("writing", longest_wait_seconds=30)
    with turns, pytest.raises(RuntimeError, match="This thread is writing already"):
        turns.__enter__()
    with turns:
        assert turns.waiting == 0


def test_nobody_waits_for_ever() -> None:
    turns = Turns("writing", longest_wait_seconds=0.01)

    def take() -> None:
        with turns:
            pass

    with ThreadPoolExecutor(1) as pool:
        with turns, pytest.raises(TimeoutError, match=r"Waited 0\.01 s for writing"):
            pool.submit(take).result(timeout=30)
        pool.submit(take).result(timeout=30)
    assert turns.waiting == 0
