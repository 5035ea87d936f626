"""What happens when: a heap of acts, taken out in the order of their moments."""

import heapq
import itertools
from collections.abc import Callable, Iterator
from datetime import datetime

Act = Callable[[], None]


class Agenda:
    """Acts of the same moment happen in the order in which they were planned."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Act]] = []
        self._numbers = itertools.count()

    def plan(self, moment: datetime, act: Act) -> None:
        heapq.heappush(self._heap, (moment, next(self._numbers), act))

    def next_moment(self, before: datetime) -> datetime | None:
        """When the next act is due, if that is earlier than `before`."""
        return self._heap[0][0] if self._heap and self._heap[0][0] < before else None

    def take(self, moment: datetime) -> Iterator[Act]:
        """Everything planned for this moment, also what is planned for it meanwhile."""
        while self._heap and self._heap[0][0] == moment:
            yield heapq.heappop(self._heap)[2]
