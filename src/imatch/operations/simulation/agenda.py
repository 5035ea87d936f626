"""A priority queue of actions, ordered by their time."""

import heapq
import itertools
from collections.abc import Callable, Iterator
from datetime import datetime

Action = Callable[[], None]


class Agenda:
    """Actions of the same time run in the order in which they were added."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Action]] = []
        self._numbers = itertools.count()

    def add(self, moment: datetime, action: Action) -> None:
        heapq.heappush(self._heap, (moment, next(self._numbers), action))

    def next_moment(self, before: datetime) -> datetime | None:
        """The time of the next action, if it is earlier than `before`."""
        return self._heap[0][0] if self._heap and self._heap[0][0] < before else None

    def pop_due(self, moment: datetime) -> Iterator[Action]:
        """Remove and yield the actions of this time, including those added meanwhile."""
        while self._heap and self._heap[0][0] == moment:
            yield heapq.heappop(self._heap)[2]
