"""Facts announced by one domain and acted on by another, inside the same transaction."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy.orm import Session

Fact = TypeVar("Fact")

# Each listener takes the kind of fact that it is stored under.
_listeners: dict[type, list[Callable[[Session, Any], None]]] = defaultdict(list)


def listen(kind: type[Fact], listener: Callable[[Session, Fact], None]) -> None:
    """Call `listener(db, fact)` whenever a fact of this kind is announced. Twice is once."""
    if listener not in _listeners[kind]:
        _listeners[kind].append(listener)


def announce(db: Session, fact: object) -> None:
    """Tell every listener. A listener's failure undoes what it heard of."""
    for listener in _listeners[type(fact)]:
        listener(db, fact)
