"""The wallet's pages: balance, orders, active options, ways to earn, and transactions."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import Response, StreamingResponse

from imatch.accounts.deps import CurrentUser
from imatch.accounts.models import User
from imatch.core.errors import DomainError, FieldError, Invalid
from imatch.core.paging import BadCursor, Page, decode_cursor
from imatch.core.text import csv_cell
from imatch.ledger import POT, TransactionType
from imatch.ledger.models import JournalRow
from imatch.ledger.queries import statement
from imatch.pot.awards import clawbacks
from imatch.pot.awards.queries import waiting, ways_to_earn
from imatch.pot.redemption import queries as redemption_queries
from imatch.pot.rules import EARNING_BY_NAME, PAYOUT_PER_POT
from imatch.pot.shop import service as shop
from imatch.pot.shop.catalog import SPENDING_BY_NAME
from imatch.pot.wallet import queries as wallet
from imatch.pot.wallet.schemas import PersonalTransactionType
from imatch.web.deps import Db
from imatch.web.forms import CSV, act_or_show, go, private_file, private_page, whole_number

router = APIRouter(prefix="/wallet", include_in_schema=False)
HOME = "/wallet"
LATEST_ROWS = 8
PAGE_ROWS = 50
_CSV_ROWS = 1_000
KINDS: Mapping[PersonalTransactionType, str] = {
    TransactionType.EARN: "Earned",
    TransactionType.SPEND: "Spent",
    TransactionType.BURN: "Given to charity",
    TransactionType.HOLD: "Held",
    TransactionType.RELEASE: "Released",
    TransactionType.REDEEM: "Redeemed",
    TransactionType.CLAWBACK: "Taken back",
}
_SAVED = {
    "cancelled": "Your order is cancelled. Its POT are free again.",
    "ends": "It will not renew. It runs until its last day.",
}
_CSV_COLUMNS = ("time", "kind", "category", "description", "phase", "pot", "free_after")


class BadFilter(Invalid):
    code = "bad_filter"


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter of transactions by kind (None: all) and by days, both ends included."""

    kind: TransactionType | None = None
    since: date | None = None
    until: date | None = None

    def query(self, **parameters: str) -> str:
        """The filter as a query string, with further parameters."""
        values = {
            "kind": self.kind or "",
            "from": self.since or "",
            "to": self.until or "",
            **parameters,
        }
        filled = {name: value for name, value in values.items() if value}
        return f"?{urlencode(filled)}" if filled else ""


@router.get("")
def overview(
    request: Request, db: Db, user: CurrentUser, bought: str = "", saved: str = ""
) -> Response:
    """Balance, what may be redeemed, waiting awards, open purchases, latest transactions."""
    return _overview(
        request,
        db,
        user,
        saved=_SAVED.get(saved, ""),
        receipt=wallet.receipt(db, user.id, whole_number(bought)),
    )


@router.post("/purchases/{purchase_id:int}/cancel")
def cancel(request: Request, db: Db, user: CurrentUser, purchase_id: int) -> Response:
    """Cancel an order that is not delivered yet."""
    return act_or_show(
        lambda: shop.cancel(db, purchase_id, user_id=user.id),
        show=lambda error: _overview(request, db, user, error),
        then=f"{HOME}?saved=cancelled",
    )


@router.post("/purchases/{purchase_id:int}/stop-renewing")
def stop_renewing(db: Db, user: CurrentUser, purchase_id: int) -> Response:
    shop.stop_renewing(db, purchase_id, user_id=user.id)
    return go(f"{HOME}?saved=ends")


@router.get("/earn")
def earn(request: Request, db: Db, user: CurrentUser) -> Response:
    """Every earning rule, with its amount and what is left of its cap."""
    context = {"ways": ways_to_earn(db, user), "waiting": waiting(db, user.id)}
    return private_page(request, "pot/wallet/earn.html", context)


@router.get("/transactions")
def transactions(
    request: Request,
    db: Db,
    user: CurrentUser,
    kind: str = "",
    since: Annotated[str, Query(alias="from")] = "",
    until: Annotated[str, Query(alias="to")] = "",
    cursor: str = "",
) -> Response:
    """The statement in pages, newest first."""
    chosen, after_id, error = Filter(), None, None
    try:
        chosen = _filter(kind, since, until)
        after_id = decode_cursor(cursor)
    except BadFilter as refusal:
        error = refusal
    except BadCursor:
        error = BadFilter("There is no such page of the list: these are the newest transactions.")
    page = _rows(db, user.id, chosen, after_id, PAGE_ROWS)
    context = {
        "page": page,
        "kinds": KINDS,
        # A date input accepts valid dates only.
        "typed": {"kind": kind, "from": chosen.since or "", "to": chosen.until or ""},
        "filtered": chosen != Filter(),
        "older": chosen.query(cursor=page.next_cursor) if page.next_cursor else "",
        "newest": f"{HOME}/transactions{chosen.query()}" if cursor else "",
        "download": f"{HOME}/transactions.csv{chosen.query()}",
    }
    return private_page(request, "pot/wallet/transactions.html", context, error)


@router.get("/transactions.csv")
def download(
    db: Db,
    user: CurrentUser,
    kind: str = "",
    since: Annotated[str, Query(alias="from")] = "",
    until: Annotated[str, Query(alias="to")] = "",
) -> Response:
    """All rows of the filtered statement as CSV."""
    lines = _csv(db, user.id, _filter(kind, since, until))
    return private_file(StreamingResponse(lines, media_type=CSV), "pot-transactions.csv")


def _overview(
    request: Request,
    db: Session,
    user: User,
    error: DomainError | None = None,
    *,
    saved: str = "",
    receipt: wallet.Receipt | None = None,
) -> Response:
    context = {
        "standing": redemption_queries.standing(db, user.id),
        "payout_per_pot": PAYOUT_PER_POT,
        "waiting": waiting(db, user.id),
        "owed": clawbacks.owed(db, user.id),
        "running": wallet.running(db, user.id),
        "options": SPENDING_BY_NAME,
        "earnings": EARNING_BY_NAME,
        "page": _rows(db, user.id, Filter(), None, LATEST_ROWS),
        "kinds": KINDS,
        "saved": saved,
        "receipt": receipt,
    }
    return private_page(request, "pot/wallet/wallet.html", context, error)


def _filter(kind: str, since: str, until: str) -> Filter:
    """The filter from query parameters. Raises BadFilter with the fault of each field."""
    faults = []
    if kind and kind not in KINDS:
        faults.append(FieldError("kind", "Choose one of the kinds.", "kind"))
    days: dict[str, date | None] = {}
    for name, text in (("from", since), ("to", until)):
        try:
            days[name] = date.fromisoformat(text) if text else None
        except ValueError:
            faults.append(FieldError(name, "Write a date like 2026-11-30.", name))
    first, last = days.get("from"), days.get("to")
    if first and last and first > last:
        faults.append(FieldError("to", "The last day is before the first one.", "to"))
    if faults:
        # The CSV route has no form to show faults beside: the message names them all.
        raise BadFilter(" ".join(fault.message for fault in faults), fields=tuple(faults))
    return Filter(TransactionType(kind) if kind else None, first, last)


def _rows(
    db: Session, user_id: int, chosen: Filter, after_id: int | None, limit: int
) -> Page[JournalRow]:
    return statement(
        db,
        POT,
        user_id,
        after_id=after_id,
        limit=limit,
        transaction_types=(chosen.kind,) if chosen.kind else (),
        since=_midnight(chosen.since) if chosen.since else None,
        until=_midnight(chosen.until, days_later=1) if chosen.until else None,
    )


def _midnight(day: date, *, days_later: int = 0) -> datetime:
    start = datetime.combine(day, time(), UTC)
    return start + timedelta(days=days_later) if day < date.max else start


def _csv(db: Session, user_id: int, chosen: Filter) -> Iterator[str]:
    """The CSV text in chunks of _CSV_ROWS rows."""
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(_CSV_COLUMNS)
    after_id: int | None = None
    while True:
        page = _rows(db, user_id, chosen, after_id, _CSV_ROWS)
        for row in page.items:
            writer.writerow(
                (
                    row.created_at.isoformat(),
                    row.transaction_type,
                    row.category,
                    csv_cell(row.description),
                    row.phase,
                    row.amount,
                    row.balance_after,
                )
            )
        yield lines.getvalue()
        if page.next_cursor is None:
            return
        lines.seek(0)
        lines.truncate()
        after_id = page.items[-1].id
        db.expunge_all()
