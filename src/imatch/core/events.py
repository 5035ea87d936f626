"""Facts announced by one domain and acted on by another, inside the same transaction."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from sqlalchemy.orm import Session

Fact = TypeVar("Fact")
Listener = Callable[[Session, Any], None]

# Each listener takes the kind of fact that it is stored under.
_listeners: dict[type, list[Listener]] = defaultdict(list)
_only: ContextVar[Mapping[type, Sequence[Listener]] | None] = ContextVar("only", default=None)


def listen(kind: type[Fact], listener: Callable[[Session, Fact], None]) -> None:
    """Call `listener(db, fact)` whenever a fact of this kind is announced. Twice is once."""
    if listener not in _listeners[kind]:
        _listeners[kind].append(listener)


def announce(db: Session, fact: object) -> None:
    """Tell every listener. A listener's failure undoes what it heard of."""
    listeners = _only.get()
    for listener in (_listeners if listeners is None else listeners).get(type(fact), ()):
        listener(db, fact)


@contextmanager
def heard_only_by(listeners: Mapping[type, Sequence[Listener]]) -> Iterator[None]:
    """Inside, nobody but these hears anything: a part of the program runs apart from the rest."""
    token = _only.set(listeners)
    try:
        yield
    finally:
        _only.reset(token)
