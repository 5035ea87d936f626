"""Amounts of money: whole cents of one currency. Two currencies never mix."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Self

BASIS_POINTS_PER_PERCENT: Final = 100
_BASIS_POINTS = 10_000  # in a whole
_CENTS = 100  # in a unit: every currency in use here has two decimals


class MixedCurrencies(ValueError):
    """A program's mistake: no exchange rate is known here."""


@dataclass(frozen=True, slots=True)
class Money:
    """`cents` of the currency with this ISO 4217 code; negative where it is owed."""

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
        """A part of it in basis points (10,000 are all), without the last fraction of a cent.

        Rounded down, the parts of an amount never exceed it together.
        """
        return type(self)(self.cents * basis_points // _BASIS_POINTS, self.currency)

    def _cents_of(self, other: Self) -> int:
        if other.currency != self.currency:
            raise MixedCurrencies(f"{self.currency} and {other.currency} do not mix")
        return other.cents


def usd(cents: int) -> Money:
    """An amount in US dollars, the currency of every price, fee and payout so far."""
    return Money(cents, "USD")
