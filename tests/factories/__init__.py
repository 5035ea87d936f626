"""One line of set-up in a test: `make.provider(capacity=2)`, `make.pot(ada, 500)`.

One module for each domain; rows come about as the product makes them, through public services.
"""

from tests.factories.belongings import BelongingsFactory
from tests.factories.owners import OwnerFactory


class Make(BelongingsFactory, OwnerFactory):
    """Everything that tests need made, with sensible values: name what matters to the test."""


__all__ = ["Make"]
