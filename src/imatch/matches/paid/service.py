"""Shortlists for POT: charged and stored in one transaction, only if they show somebody new."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.errors import Conflict, FieldError, Invalid
from imatch.core.settings import get_settings
from imatch.matches import queries, rules, service
from imatch.matches.models import MatchKind, Shortlist
from imatch.needs import rules as seeker_rules
from imatch.needs import service as seekers
from imatch.needs.models import Need, NeedStatus
from imatch.needs.queries import definition_of
from imatch.pot.errors import POTKeyReused
from imatch.pot.shop import queries as shop_queries
from imatch.pot.shop import service as shop
from imatch.pot.shop.catalog import SPENDING_BY_NAME, Spending
from imatch.pot.shop.models import PotPurchase

KIND_OF: Final = {
    "premium_match": MatchKind.PREMIUM,
    "re_match": MatchKind.RE_MATCH,
    "custom_criteria_match": MatchKind.CUSTOM_CRITERIA,
}
OPTION_OF: Final = {kind: option for option, kind in KIND_OF.items()}
BY_HAND: Final = "rush_match"
SHORTLIST: Final = "shortlist"


class NobodyNew(Conflict):
    code = "nobody_new"

    def __init__(self) -> None:
        super().__init__(
            "It would show nobody whom you have not seen already. Nothing was charged."
        )


class ListGone(Conflict):
    code = "list_gone"

    def __init__(self) -> None:
        super().__init__(
            "The list that was bought with this key was deleted with its need. Nothing more was"
            " charged: to buy another list, use a new key."
        )


class AlreadyOrdered(Conflict):
    code = "already_ordered"

    def __init__(self) -> None:
        super().__init__("This is ordered already. Nothing more was held.")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a paid shortlist is made from, besides the need."""

    kind: MatchKind
    criteria: str = ""  # the seeker's own, for CUSTOM_CRITERIA
    refusal: rules.Refusal | None = None  # why nobody was right, for RE_MATCH


@dataclass(frozen=True, slots=True)
class Offer:
    """What more a need's owner can have for POT."""

    free: int
    seen: int  # people shown to this need so far
    passed: int  # people who met every rule when the list was made
    has_premium: bool  # the ten people of these answers
    lists: Sequence[Shortlist]
    order: PotPurchase | None  # what an operator does by hand

    @property
    def unseen(self) -> int:
        return max(self.passed - self.seen, 0)

    @property
    def options(self) -> tuple[Spending, ...]:
        """Shortlists only while there is somebody to show; a search by hand once at a time."""
        lists = [
            name
            for name, kind in KIND_OF.items()
            if self.unseen and not (kind is MatchKind.PREMIUM and self.has_premium)
        ]
        names = [*lists, *(() if self.order else (BY_HAND,))]
        return tuple(SPENDING_BY_NAME[name] for name in names)


def buy(db: Session, user: User, need: Need, wish: Wish, *, key: str) -> Shortlist:
    """Charge a shortlist and store it. Idempotent by key.

    A need without an owner becomes the buyer's. Raises what service.suggest and shop.buy raise,
    NobodyNew, NeedNotFound for somebody else's need, KeyReused for a key of something else, and
    ListGone for one whose list is deleted.
    """
    checked = checked_wish(wish)
    with seekers.locked_need(db, need):
        seekers.claim(db, need, user)  # concurrent requests are serialised from here
        note = _fingerprint(need, checked)
        earlier = shop_queries.bought(db, user.id, key)
        if earlier is not None:
            return _again(db, earlier, OPTION_OF[wish.kind], note)
        seen = queries.shown_before(db, need.id)
        shortlist = service.suggest(
            db, need, wish.kind, custom_criteria=checked.criteria, refusal=wish.refusal
        )
        found = {match.provider_id for match in queries.matches_of(db, shortlist.id)}
        if found <= seen:
            raise NobodyNew
        shop.buy(
            db,
            user.id,
            OPTION_OF[wish.kind],
            key=key,
            reference_type=SHORTLIST,
            reference_id=shortlist.id,
            note=note,
        )
    return shortlist


def order_by_hand(db: Session, user: User, need: Need, *, key: str, note: str = "") -> PotPurchase:
    """Order a search by an operator; its POT are held until delivery.

    Raises NeedIncomplete, SafetyStop, AlreadyOrdered, NeedNotFound and what shop.buy raises.
    """
    with seekers.locked_need(db, need):
        seekers.claim(db, need, user)
        if need.status == NeedStatus.DRAFT:
            raise service.NeedIncomplete
        screen = seeker_rules.safety_stop(definition_of(db, need), need.answers["values"])
        if screen is not None:
            raise seekers.SafetyStop(screen)
        if shop_queries.bought(db, user.id, key) is None and ordered_by_hand(db, user, need):
            raise AlreadyOrdered
        return shop.buy(
            db,
            user.id,
            BY_HAND,
            key=key,
            reference_type=seekers.NEED_REFERENCE_TYPE,
            reference_id=need.id,
            note=note,
        )


def ordered_by_hand(db: Session, user: User, need: Need) -> PotPurchase | None:
    waiting = shop_queries.bought_for(db, user.id, seekers.NEED_REFERENCE_TYPE, need.id)
    return next((one for one in waiting if one.option == BY_HAND), None)


def offer(db: Session, user: User, need: Need, shortlist: Shortlist, *, free: int) -> Offer:
    """What this person could still have for a need, beside its free shortlist."""
    return Offer(
        free=free,
        seen=len(queries.shown_before(db, need.id)),
        passed=shortlist.passed,
        has_premium=service.made(db, need, MatchKind.PREMIUM) is not None,
        lists=queries.paid_shortlists(db, need.id),
        order=ordered_by_hand(db, user, need),
    )


def checked_wish(wish: Wish) -> Wish:
    """The wish as it will be carried out. Raises Invalid for what its kind does not weigh."""
    criteria = service.checked_criteria(wish.criteria)
    if wish.kind is MatchKind.CUSTOM_CRITERIA and not criteria:
        message = "Write what should count besides your answers."
        raise Invalid(message, fields=(FieldError("criteria", message, "criteria"),))
    if wish.kind is not MatchKind.CUSTOM_CRITERIA and criteria:
        message = "Your own criteria count in a match by your own criteria only."
        raise Invalid(message, fields=(FieldError("criteria", message, "criteria"),))
    if wish.kind is not MatchKind.RE_MATCH and wish.refusal is not None:
        message = "A reason to refuse counts for other people only."
        raise Invalid(message, fields=(FieldError("refusal", message, "refusal"),))
    return Wish(wish.kind, criteria, wish.refusal)


def _fingerprint(need: Need, wish: Wish) -> str:
    """A hash of the request, to detect a reused key. Contains no text of the seeker."""
    secret = get_settings().secret_key.get_secret_value()
    asked = rules.answers_hash(
        secret, {"need": need.id, "kind": wish.kind}, {}, wish.criteria, wish.refusal or ""
    )
    return f"Request {asked[:16]}"


def _again(db: Session, earlier: PotPurchase, option: str, note: str) -> Shortlist:
    if (earlier.option, earlier.note, earlier.reference_type) != (option, note, SHORTLIST):
        raise POTKeyReused("This key was used for something else. Nothing was charged.")
    found = list_bought(db, earlier)
    if found is None:
        raise ListGone
    return found


def list_bought(db: Session, purchase: PotPurchase) -> Shortlist | None:
    """The list of a purchase; None once it is deleted, also when its id is another list's now."""
    return db.scalar(
        select(Shortlist)
        .join(Need, Need.id == Shortlist.seeker_id)
        .where(
            Shortlist.id == purchase.reference_id,
            Shortlist.kind == KIND_OF[purchase.option],
            Shortlist.created_at <= purchase.created_at,  # a list is made, then charged
            Need.user_id == purchase.user_id,
        )
    )
