"""Facts: one domain announces, others listen, all inside the same transaction."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from sqlalchemy.orm import Session

Fact = TypeVar("Fact")
Listener = Callable[[Session, Any], None]

# Each listener accepts the type of fact it is stored under.
_listeners: dict[type, list[Listener]] = defaultdict(list)
_override: ContextVar[Mapping[type, Sequence[Listener]] | None] = ContextVar("only", default=None)


def listen(fact_type: type[Fact], listener: Callable[[Session, Fact], None]) -> None:
    """Call `listener(db, fact)` whenever a fact of this type is announced. Idempotent."""
    if listener not in _listeners[fact_type]:
        _listeners[fact_type].append(listener)


def announce(db: Session, fact: object) -> None:
    """Call every listener of the fact. A listener's exception rolls the transaction back."""
    listeners = _override.get()
    for listener in (_listeners if listeners is None else listeners).get(type(fact), ()):
        listener(db, fact)


@contextmanager
def only_listeners(listeners: Mapping[type, Sequence[Listener]]) -> Iterator[None]:
    """Replace all listeners inside the block, to run a part of the program in isolation."""
    token = _override.set(listeners)
    try:
        yield
    finally:
        _override.reset(token)
