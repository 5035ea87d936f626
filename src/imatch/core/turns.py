"""A lock that threads get in the order in which they asked for it."""

import threading
from collections import deque
from types import TracebackType


class Turns:
    """`with turns:` waits for one's turn. The lock is handed over, so nobody overtakes.

    A thread that asks for a second turn while it has one would wait for itself: it is told so.
    Nobody waits longer than `longest_wait_seconds`.
    """

    def __init__(self, name: str, *, longest_wait_seconds: float) -> None:
        self._name = name
        self._longest_wait_seconds = longest_wait_seconds
        self._lock = threading.Lock()  # guards what follows, for moments only
        self._owner: int | None = None
        self._waiting: deque[tuple[int, threading.Lock]] = deque()

    @property
    def waiting(self) -> int:
        """How many threads have asked and not got their turn yet."""
        return len(self._waiting)

    def refuse_second_turn(self) -> None:
        """Raise RuntimeError when it is this thread's turn already."""
        if self._owner == threading.get_ident():
            raise RuntimeError(
                f"This thread is {self._name} already, through another session. "
                "Use one session, or finish with the first."
            )

    def __enter__(self) -> None:
        self.refuse_second_turn()
        me = threading.get_ident()
        with self._lock:
            if self._owner is None:
                self._owner = me
                return
            signal = threading.Lock()
            signal.acquire()
            place = (me, signal)
            self._waiting.append(place)
        try:
            came = signal.acquire(timeout=self._longest_wait_seconds)
        except BaseException:  # interrupted while waiting
            if not self._leave(place):
                self._end()
            raise
        if not came and self._leave(place):
            raise TimeoutError(f"Waited {self._longest_wait_seconds:g} s for {self._name}.")

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        with self._lock:
            self._owner = None
            if self._waiting:
                self._owner, signal = self._waiting.popleft()
                signal.release()

    def _leave(self, place: tuple[int, threading.Lock]) -> bool:
        """Stop waiting; False when the turn had come in the meantime."""
        with self._lock:
            if place in self._waiting:
                self._waiting.remove(place)
                return True
            return False
