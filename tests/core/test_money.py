from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imatch.core.money import MixedCurrencies, Money, usd

cents = st.integers(-(10**15), 10**15)


def test_an_amount_knows_its_currency() -> None:
    assert usd(1_050) == Money(1_050, "USD")
    assert usd(1_050) != Money(1_050, "EUR")
    assert usd(1_050).units == Decimal("10.5")


def test_amounts_of_one_currency_are_calculated_with() -> None:
    assert usd(100) + usd(50) == usd(150)
    assert usd(100) - usd(150) == usd(-50)
    assert usd(80) * 3 == usd(240)
    assert usd(99) < usd(100)
    assert min(usd(100), usd(99)) == usd(99)
    assert sum([usd(1), usd(2)], usd(0)) == usd(3)


def test_two_currencies_never_mix() -> None:
    euros = Money(100, "EUR")
    with pytest.raises(MixedCurrencies, match="USD and EUR"):
        usd(100) + euros
    with pytest.raises(MixedCurrencies):
        usd(100) - euros
    with pytest.raises(MixedCurrencies):
        assert usd(100) < euros


@pytest.mark.parametrize("amount", [1.0, Decimal(1), "1", True, None])
def test_cents_are_whole_numbers(amount: object) -> None:
    with pytest.raises(TypeError, match="whole number"):
        usd(amount)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("amount", "basis_points", "share"),
    [(10_000, 2_000, 2_000), (999, 1_250, 124), (1, 9_999, 0), (3, 10_000, 3), (5, 0, 0)],
)
def test_a_share_loses_the_last_fraction_of_a_cent(
    amount: int, basis_points: int, share: int
) -> None:
    assert usd(amount).share_rounded_down(basis_points) == usd(share)


@given(st.integers(0, 10**15), st.integers(0, 10_000))
def test_two_shares_never_exceed_the_amount(amount: int, basis_points: int) -> None:
    whole = usd(amount)
    parts = [whole.share_rounded_down(part) for part in (basis_points, 10_000 - basis_points)]
    lost = whole - parts[0] - parts[1]
    assert lost in {usd(0), usd(1)}


@given(cents, cents)
def test_what_is_added_can_be_taken_away(one: int, other: int) -> None:
    assert usd(one) + usd(other) - usd(other) == usd(one)
