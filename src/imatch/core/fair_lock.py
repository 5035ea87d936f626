"""A lock that threads acquire in the order of their requests."""

import threading
from collections import deque
from types import TracebackType


class FairLock:
    """A first-in, first-out lock for `with` blocks: released, it passes to the longest waiter.

    Not re-entrant: raises RuntimeError if the thread holds the lock already. Raises TimeoutError
    after `timeout_seconds`. `name` completes the sentences of these errors.
    """

    def __init__(self, name: str, *, timeout_seconds: float) -> None:
        self._name = name
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()  # guards the fields below, held only briefly
        self._owner: int | None = None
        self._waiting: deque[tuple[int, threading.Lock]] = deque()

    @property
    def waiting(self) -> int:
        """The number of waiting threads."""
        return len(self._waiting)

    def refuse_reentry(self) -> None:
        """Raise RuntimeError if this thread holds the lock."""
        if self._owner == threading.get_ident():
            raise RuntimeError(
                f"This thread is {self._name} already, through another session. "
                "Use one session, or finish with the first."
            )

    def __enter__(self) -> None:
        self.refuse_reentry()
        thread_id = threading.get_ident()
        with self._lock:
            if self._owner is None:
                self._owner = thread_id
                return
            signal = threading.Lock()
            signal.acquire()
            waiter = (thread_id, signal)
            self._waiting.append(waiter)
        try:
            acquired = signal.acquire(timeout=self._timeout_seconds)
        except BaseException:  # interrupted while waiting
            if not self._cancel(waiter):
                self._release()
            raise
        if not acquired and self._cancel(waiter):
            raise TimeoutError(f"Waited {self._timeout_seconds:g} s for {self._name}.")

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._release()

    def _release(self) -> None:
        with self._lock:
            self._owner = None
            if self._waiting:
                self._owner, signal = self._waiting.popleft()
                signal.release()

    def _cancel(self, waiter: tuple[int, threading.Lock]) -> bool:
        """Stop waiting. False if the lock had passed to the waiter in the meantime."""
        with self._lock:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
                return True
            return False
