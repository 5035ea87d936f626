"""`imatch pot`: balance, history, spending, and the rules and totals of the economy."""

import secrets
from typing import Annotated

import typer

from imatch.accounts.queries import user_by_id_or_email
from imatch.cli.output import JsonOption, out, print_facts, print_json, print_table
from imatch.core.database import SessionLocal
from imatch.pot.economy import figures
from imatch.pot.redemption import queries as redemption_queries
from imatch.pot.rules import EARNINGS, Earning, Window
from imatch.pot.service import POTService
from imatch.pot.shop import service as shop
from imatch.pot.shop.catalog import SPENDINGS, Spending
from imatch.pot.shop.models import PurchaseStatus
from imatch.web.formats import money, number, signed

UserArgument = Annotated[str, typer.Argument(help="The person's id or e-mail address.")]


def balance(user: UserArgument, *, as_json: JsonOption = False) -> None:
    """What a person has, and what of it could be redeemed now."""
    with SessionLocal() as db:
        person = user_by_id_or_email(db, user)
        standing = redemption_queries.standing(db, person.id)
        document = {
            "user_id": person.id,
            "email": person.email,
            "free": standing.free,
            "held": standing.held,
            "earned": person.total_pot_earned,
            "spent": person.total_pot_spent,
            "burned": person.total_pot_burned,
            "redeemable_now": standing.redeemable_now,
            "payout_cents": standing.payout.cents,
            "not_redeemable_because": list(standing.reasons),
        }
    if as_json:
        print_json(document)
        return
    payout = f"{number(standing.redeemable_now)} ({money(standing.payout)})"
    lines = {
        "Free": number(standing.free),
        "Held": number(standing.held),
        "Earned": number(person.total_pot_earned),
        "Spent": number(person.total_pot_spent),
        "Burned": number(person.total_pot_burned),
        "Redeemable now": payout,
    }
    print_facts(f"POT of {person.email}", lines)
    for reason in standing.reasons:
        out.print(f"Not redeemable: {reason}", markup=False, highlight=False)


def history(
    user: UserArgument,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 50,
    offset: Annotated[int, typer.Option(min=0, help="How many of the newest to skip.")] = 0,
    transaction_type: Annotated[
        str | None, typer.Option("--type", help="Only these: earn, spend, burn, hold and so on.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """A person's transactions."""
    with SessionLocal() as db:
        person = user_by_id_or_email(db, user)
        rows = POTService(db).get_transaction_history(person.id, limit, offset, transaction_type)
        email = person.email
    if as_json:
        print_json(rows)
        return
    print_table(
        f"Transactions of {email}",
        ("Id", "When", "Type", "What", "POT", "Free afterwards"),
        [
            (
                row["id"],
                row["created_at"][:16].replace("T", " "),
                row["transaction_type"],
                row["description"] or row["category"],
                signed(row["amount"]),
                number(row["balance_after"]),
            )
            for row in rows
        ],
    )


def spend(
    user: UserArgument,
    option: Annotated[str, typer.Argument(help="What to buy: a name of `imatch pot rules`.")],
    *,
    amount: Annotated[int | None, typer.Option(help="The price, where it is open.")] = None,
    note: Annotated[str, typer.Option(help="One line for who delivers it.")] = "",
    key: Annotated[str, typer.Option(help="The same key again buys nothing more.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Buy something with a person's POT, as they would in their wallet."""
    with SessionLocal() as db:
        person = user_by_id_or_email(db, user)
        spending = shop.option_named(option)
        if spending.bought_at:
            raise shop.BoughtElsewhere(
                f"{spending.title} is bought where it takes effect: {spending.bought_at}."
            )
        purchase = shop.buy(
            db,
            person.id,
            option,
            key=f"command:{key or secrets.token_hex(8)}",
            amount=amount,
            note=note,
        )
        free = POTService(db).get_user_balance(person.id)
        ordered = purchase.status == PurchaseStatus.ORDERED
        document = {
            "id": purchase.id,
            "user_id": person.id,
            "option": option,
            "amount": purchase.amount,
            "status": purchase.status,
            "ends_at": purchase.ends_at,
            "free": free,
        }
    if as_json:
        print_json(document)
        return
    outcome = "held until it is delivered" if ordered else "charged"
    out.print(
        f"{spending.title}: {number(purchase.amount)} POT {outcome}; {number(free)} are free now.",
        markup=False,
        highlight=False,
    )


def economy(*, as_json: JsonOption = False) -> None:
    """The economy's totals."""
    with SessionLocal() as db:
        stats = figures.stats(db)
    if as_json:
        print_json(stats)
        return
    facts = {
        name.replace("_", " ").capitalize().replace("pot", "POT"): (
            number(value) if isinstance(value, int) else value
        )
        for name, value in stats.items()
    }
    print_facts("POT economy", facts)


def rules(*, as_json: JsonOption = False) -> None:
    """Everything that earns POT, and everything to spend POT on."""
    if as_json:
        print_json(
            {
                "earnings": [_earning(rule) for rule in EARNINGS],
                "spendings": [_spending(option) for option in SPENDINGS],
            }
        )
        return
    print_table(
        "Earning",
        ("Name", "POT", "Cap", "Class", "Open"),
        [
            (
                rule.name,
                rule.shown or rule.pot,
                _cap(rule),
                str(rule.award_class),
                "yes" if rule.offered else "not yet",
            )
            for rule in EARNINGS
        ],
    )
    print_table(
        "Spending",
        ("Name", "POT", "Days", "Delivery", "Offered"),
        [
            (
                option.name,
                _price(option),
                option.days or "",
                str(option.delivery),
                "yes" if option.offered else "not yet",
            )
            for option in SPENDINGS
        ],
    )


def _earning(rule: Earning) -> dict[str, object]:
    return {
        "name": rule.name,
        "title": rule.title,
        "how": rule.how,
        "pot": rule.shown or str(rule.pot),
        "times": rule.cap.times if rule.cap else None,
        "window": rule.cap.window if rule.cap else None,
        "class": rule.award_class,
        "offered": rule.offered,
    }


def _spending(option: Spending) -> dict[str, object]:
    return {
        "name": option.name,
        "title": option.title,
        "effect": option.effect,
        "pot": option.pot,
        "most": option.most,
        "days": option.days,
        "usd_cents": option.cash_price.cents if option.cash_price else None,
        "offered": option.offered,
        "bought_at": option.bought_at,
    }


def _cap(rule: Earning) -> str:
    if rule.cap is None:
        return ""
    times = (
        f"{rule.cap.times} {'ever' if rule.cap.window is Window.EVER else f'a {rule.cap.window}'}"
    )
    return f"{times} each" if rule.cap.within else times


def _price(option: Spending) -> str:
    least = number(option.pot)
    return f"{least} to {number(option.most)}" if option.most else least
