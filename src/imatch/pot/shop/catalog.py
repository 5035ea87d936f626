"""The catalog of what POT buys. Wallet, API and documents are generated from it."""

from dataclasses import dataclass
from enum import StrEnum

from imatch.core.money import Money, usd
from imatch.ledger import TransactionType


class Delivery(StrEnum):
    """How a purchase takes effect."""

    NOW = "now"  # charged and delivered at once
    SPAN = "span"  # charged, in effect until a date; may renew
    ORDER = "order"  # held until an operator delivers it


@dataclass(frozen=True, slots=True)
class Spending:
    """An option to spend POT on. An open price ranges from `pot` to `most`.

    `cash_price` is the price in dollars, None if the option is not sold for dollars. `effect` is
    the text that tells buyers what they get. `days` is how long a span lasts, or how long an order
    may take before its POT are released.
    """

    name: str
    title: str
    pot: int
    effect: str
    delivery: Delivery
    days: int | None = None
    most: int | None = None
    cash_price: Money | None = None
    for_providers: bool = False  # needs a provider profile
    offered: bool = True  # False: not implemented yet, so not for sale
    bought_at: str = ""  # the page that sells it; empty: the wallet

    def price_allows(self, amount: int) -> bool:
        return self.pot <= amount <= (self.most or self.pot)


# fmt: off
SPENDINGS: tuple[Spending, ...] = (
    Spending("premium_match", "Ten people instead of three", 100, "Ten people who fit.",
             Delivery.NOW, cash_price=usd(10_000), bought_at="/matches"),
    Spending("rush_match", "Matched by hand within a day", 200,
             "An operator looks for people and writes to you within a day.", Delivery.ORDER,
             days=1, cash_price=usd(20_000)),
    Spending("re_match", "Three other people", 50, "Three people you have not seen yet.",
             Delivery.NOW, cash_price=usd(5_000), bought_at="/matches"),
    Spending("custom_criteria_match", "Your own criteria", 150,
             "A match that weighs what you say it should.", Delivery.NOW, cash_price=usd(15_000),
             bought_at="/matches"),
    Spending("profile_boost_month", "Profile boost", 500,
             "A labelled place on lists where at most half fit better. Your fit does not change.",
             Delivery.SPAN, days=30, cash_price=usd(50_000), for_providers=True,
             bought_at="/pro/boosts"),
    Spending("verified_badge", "Verified badge", 1_000,
             "A badge on your profile; needs checked credentials.", Delivery.NOW,
             for_providers=True, bought_at="/pro/boosts"),
    Spending("featured_listing_week", "Featured for a week", 300,
             "A labelled place on your category's page.", Delivery.SPAN, days=7,
             cash_price=usd(30_000), for_providers=True, bought_at="/pro/boosts"),
    Spending("analytics_month", "Analytics", 200,
             "How often you were shown and chosen, beside your category's median.",
             Delivery.SPAN, days=30, cash_price=usd(20_000), for_providers=True, offered=False),
    Spending("priority_support_month", "Priority support", 100,
             "Your messages to us are answered first.", Delivery.SPAN, days=30,
             cash_price=usd(10_000), offered=False),
    Spending("workshop", "Workshop", 50, "A place at a workshop.", Delivery.ORDER, days=60,
             most=500),
    Spending("event", "Event", 100, "A ticket for an event.", Delivery.ORDER, days=90,
             most=1_000),
    Spending("premium_content_month", "Premium content", 200,
             "Everything that members publish for members.", Delivery.SPAN, days=30,
             cash_price=usd(20_000), offered=False),
    Spending("consulting", "An hour of consulting", 500,
             "An hour with somebody from our team.", Delivery.ORDER, days=30,
             cash_price=usd(50_000)),
    Spending("extra_category_month", "Another category", 150,
             "A profile in one more category.", Delivery.SPAN, days=30, cash_price=usd(15_000),
             for_providers=True, offered=False),
    Spending("wider_area_month", "Wider area", 200, "Seekers farther away find you.",
             Delivery.SPAN, days=30, cash_price=usd(20_000), for_providers=True, offered=False),
    Spending("lead_alerts_month", "Lead alerts", 75, "A message as soon as a lead fits.",
             Delivery.SPAN, days=30, cash_price=usd(7_500), for_providers=True, offered=False),
    Spending("portfolio_video_year", "Portfolio video", 150, "A video on your profile.",
             Delivery.SPAN, days=365, cash_price=usd(15_000), for_providers=True, offered=False),
    Spending("custom_url_year", "Your own address", 200, "Your profile at an address you choose.",
             Delivery.SPAN, days=365, cash_price=usd(20_000), for_providers=True, offered=False),
    Spending("report_export", "Report", 50, "Your figures as a document.", Delivery.NOW,
             cash_price=usd(5_000), offered=False),
    Spending("charity_burn", "Give to charity", 10,
             "Burned for a good cause: we give, and tell you what and to whom.",
             Delivery.ORDER, days=60, most=100_000),
)


# fmt: on
SPENDING_BY_NAME = {spending.name: spending for spending in SPENDINGS}


def transaction_type_of(option: str) -> TransactionType:
    return TransactionType.BURN if option == "charity_burn" else TransactionType.SPEND
