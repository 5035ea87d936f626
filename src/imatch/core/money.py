"""Amounts of money in integer cents of one currency."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Self

BASIS_POINTS_PER_PERCENT: Final = 100
_BASIS_POINTS = 10_000  # in a whole
_CENTS = 100  # in a unit: all currencies in use have two decimals


class MixedCurrencies(ValueError):
    """Arithmetic on two currencies: a programming error, because there are no exchange rates."""


@dataclass(frozen=True, slots=True)
class Money:
    """`cents` of the currency with this ISO 4217 code; negative if owed.

    Raises TypeError if cents are no int. Arithmetic raises MixedCurrencies.
    """

    cents: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.cents) is not int:
            raise TypeError(f"cents are a whole number, not {self.cents!r}")

    @property
    def units(self) -> Decimal:
        """The amount in dollars, euros and so on, exactly."""
        return Decimal(self.cents) / _CENTS

    def __add__(self, other: Self) -> Self:
        return type(self)(self.cents + self._cents_of(other), self.currency)

    def __sub__(self, other: Self) -> Self:
        return type(self)(self.cents - self._cents_of(other), self.currency)

    def __mul__(self, count: int) -> Self:
        return type(self)(self.cents * count, self.currency)

    def __lt__(self, other: Self) -> bool:
        return self.cents < self._cents_of(other)

    def share_rounded_down(self, basis_points: int) -> Self:
        """The share in basis points (10,000 are all), rounded down to a cent.

        Rounded down, the shares of an amount never sum to more than the amount.
        """
        return type(self)(self.cents * basis_points // _BASIS_POINTS, self.currency)

    def _cents_of(self, other: Self) -> int:
        if other.currency != self.currency:
            raise MixedCurrencies(f"{self.currency} and {other.currency} do not mix")
        return other.cents


def usd(cents: int) -> Money:
    """An amount in US dollars, the only currency of prices, fees and payouts so far."""
    return Money(cents, "USD")
