"""Operations on a need: start, answer, relax, complete, submit, claim, delete."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete as delete_rows
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import ObjectDeletedError

from imatch.accounts.models import User
from imatch.categories import forms
from imatch.categories import queries as categories
from imatch.categories.schemas import CategoryDefinition, FieldDefinition, FormPage, Screen
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.errors import Conflict, FieldError, Invalid, NotFound, RateLimited
from imatch.core.events import announce
from imatch.core.security import new_token, token_hash
from imatch.facts.marketplace import NeedCompleted
from imatch.needs import milestones, rules
from imatch.needs.models import Need, NeedStatus
from imatch.needs.queries import NeedNotFound, definition_of
from imatch.pot.shop import queries as shop_queries
from imatch.pot.shop import service as shop
from imatch.pot.shop.models import PurchaseStatus
from imatch.throttling.rules import TryLimit, network_of
from imatch.throttling.service import TooManyTries, admit
from imatch.web.formats import plural

NEED_REFERENCE_TYPE: Final = "seeker"  # the reference_type of purchases for a need
NEEDS_PER_NETWORK = TryLimit("need/network", 30, timedelta(hours=1))

NeedAnswers = dict[str, dict[str, Any]]  # `values` and `importance`, by field name


class BadAnswers(Invalid):
    code = "bad_answers"

    def __init__(self, fields: list[FieldError]) -> None:
        super().__init__("Some answers need another look.", fields=tuple(fields))


class TooManyNeeds(RateLimited):
    code = "too_many_needs"

    def __init__(self, *, retry_after_seconds: int) -> None:
        minutes = -(-retry_after_seconds // 60)
        super().__init__(
            "Too many searches were begun from your network. Try again in"
            f" {plural(minutes, 'minute')}, or sign in and go on now.",
            retry_after_seconds=retry_after_seconds,
        )


class NoSuchPage(NotFound):
    code = "no_such_question"

    def __init__(self) -> None:
        super().__init__("There is no question with this number.")


class NotRelaxable(Invalid):
    code = "not_relaxable"

    def __init__(self) -> None:
        super().__init__("This rule cannot be relaxed.")


class SafetyStop(Conflict):
    """The answers describe danger: show `screen` with its emergency contacts, no ranking."""

    code = "safety_screen"

    def __init__(self, screen: Screen) -> None:
        contacts = "; ".join(f"{r.name}: {r.contact} ({r.region})" for r in screen.resources)
        super().__init__(f"{screen.title} {screen.text} {contacts}".strip())
        self.screen = screen


def start(
    db: Session, category: str, *, user: User | None = None, address: str | None = None
) -> tuple[Need, str]:
    """Create an empty need. Returns it with the token that opens it.

    Needs without a user are rate-limited by the network of `address`.
    Raises UnknownCategory, InactiveCategory, or TooManyNeeds.
    """
    token = new_token()
    with atomic(db):
        row = categories.active_by_name(db, category)
        if user is None and address is not None:
            _count_need(db, address)
        need = Need(
            category_id=row.id,
            user_id=user.id if user else None,
            answers={"values": {}, "importance": {}},
            token_hash=token_hash(token),
            status=NeedStatus.DRAFT,
        )
        db.add(need)
        db.flush()
    return need, token


def _count_need(db: Session, address: str) -> None:
    """Count a need against its network's limit. Rolled back if the need is not created."""
    try:
        admit(db, (NEEDS_PER_NETWORK, network_of(address)))
    except TooManyTries as error:
        raise TooManyNeeds(retry_after_seconds=error.retry_after_seconds) from None


def intake_page(definition: CategoryDefinition, number: int) -> FormPage:
    """The intake page of this number, from 1. Raises NoSuchPage."""
    if not 1 <= number <= len(definition.intake):
        raise NoSuchPage
    return definition.intake[number - 1]


def checked_page(
    definition: CategoryDefinition, number: int, values: object, importance: object
) -> NeedAnswers:
    """Validate the answers of one intake page. Raises NoSuchPage or BadAnswers."""
    page = intake_page(definition, number)
    fields = {name: definition.seeker[name] for name in page.fields}
    return _checked(definition, fields, values, importance)


def _checked(
    definition: CategoryDefinition,
    fields: Mapping[str, FieldDefinition],
    values: object,
    importance: object,
) -> NeedAnswers:
    clean, errors = forms.validate(definition, fields, values, require=True)
    levels, level_errors = forms.validate_importance(fields, importance)
    if errors or level_errors:
        raise BadAnswers(errors + level_errors)
    return {"values": clean, "importance": {name: str(level) for name, level in levels.items()}}


def answer(
    db: Session,
    need: Need,
    number: int,
    values: object,
    importance: object,
    *,
    still_relaxed: Collection[str] = (),
) -> Need:
    """Save the answers of one intake page. A complete need becomes a draft again.

    A relaxed rule of this page stays relaxed if its field is in `still_relaxed`.
    Raises NoSuchPage, or BadAnswers with an error for each wrong answer.
    """
    definition = definition_of(db, need)
    page_answers = checked_page(definition, number, values, importance)
    page = intake_page(definition, number)
    with locked_need(db, need):
        _change(need, rules.merged(page, need.answers, page_answers, still_relaxed))
    return need


def start_with(
    db: Session,
    category: str,
    number: int,
    values: object,
    importance: object,
    *,
    user: User | None = None,
    address: str | None = None,
) -> tuple[Need, str]:
    """Create a need with its first answers, atomically. Raises as start and answer do."""
    with atomic(db):
        need, token = start(db, category, user=user, address=address)
        answer(db, need, number, values, importance)
    return need, token


def relax(db: Session, need: Need, rule: str) -> Need:
    """Relax one rule: a must becomes a preference, another requirement is ignored.

    Raises NotRelaxable for rules without an answer and for legal requirements.
    """
    definition = definition_of(db, need)
    field = rules.field_of_rule(definition, rule)
    if field is None:
        raise NotRelaxable
    with locked_need(db, need):
        importance = need.answers["importance"] | {
            field: str(rules.relaxed_importance(definition, rule))
        }
        _change(need, {**need.answers, "importance": importance})
    return need


def _change(need: Need, answers: dict[str, Any]) -> None:
    if answers == need.answers:
        return
    need.answers = answers
    need.status = NeedStatus.DRAFT
    need.completed_at = None


def complete(db: Session, need: Need) -> Need:
    """Mark the need as complete, so that it can be ranked. Idempotent.

    Raises BadAnswers for missing answers, SafetyStop, or InactiveCategory.
    """
    definition = definition_of(db, need)
    with locked_need(db, need):
        if need.status == NeedStatus.COMPLETE:
            return need
        category = categories.active_by_name(db, definition.name)
        require_complete(definition, need.answers["values"])
        need.status = NeedStatus.COMPLETE
        need.completed_at = now()
        announce(db, NeedCompleted(seeker_id=need.id, category=category.name))
        milestones.need_completed(db, need)
    return need


def _require_safe(definition: CategoryDefinition, values: dict[str, Any]) -> None:
    """Raise SafetyStop if the answers describe danger. Comes before every other check."""
    screen = rules.safety_stop(definition, values)
    if screen is not None:
        raise SafetyStop(screen)


def require_complete(definition: CategoryDefinition, values: dict[str, Any]) -> None:
    """Raise SafetyStop or BadAnswers for answers with which a need cannot be completed."""
    _require_safe(definition, values)
    # Answers to fields that the category no longer has are ignored.
    present = {name: value for name, value in values.items() if name in definition.seeker}
    _clean, errors = forms.validate(definition, definition.seeker, present, require=True)
    if errors:
        raise BadAnswers(errors)


def submit(
    db: Session,
    category: str,
    values: object,
    importance: object,
    *,
    user: User | None = None,
    address: str | None = None,
) -> tuple[Need, str]:
    """Create a complete need in one step. Raises as start, answer and complete do."""
    definition = categories.active_by_name(db, category).definition
    valid_values, _errors = forms.validate(definition, definition.seeker, values, require=False)
    _require_safe(definition, valid_values)
    answers = _checked(definition, definition.seeker, values, importance)
    with atomic(db):
        need, token = start(db, category, user=user, address=address)
        need.answers = answers
        complete(db, need)
    return need, token


def delete(db: Session, need: Need) -> None:
    """Delete a need with its matches, and cancel its open orders."""
    with locked_need(db, need):
        _cancel_orders(db, need)
        db.execute(delete_rows(Need).where(Need.id == need.id))


def _cancel_orders(db: Session, need: Need) -> None:
    """Cancel open orders, which releases their POT: the need's id may be reused by another need."""
    if need.user_id is None:
        return
    for purchase in shop_queries.bought_for(db, need.user_id, NEED_REFERENCE_TYPE, need.id):
        if purchase.status == PurchaseStatus.ORDERED:
            with suppress(shop.PurchaseSettled):  # an operator was faster
                shop.cancel(db, purchase.id, user_id=need.user_id)


def claim(db: Session, need: Need, user: User) -> Need:
    """Assign a need to a user; from then on only that user may open it.

    Raises NeedNotFound if it belongs to another user.
    """
    with locked_need(db, need):
        if need.user_id not in {None, user.id}:
            raise NeedNotFound
        need.user_id = user.id
        milestones.need_completed(db, need)
    return need


@contextmanager
def locked_need(db: Session, need: Need) -> Iterator[None]:
    """Lock the need's row and read it anew, so that concurrent changes do not overwrite each other.

    Raises NeedNotFound if it was deleted meanwhile, even if another need has its id now.
    """
    try:
        need_id, created_at = need.id, need.created_at
    except ObjectDeletedError:
        raise NeedNotFound from None
    with atomic(db):
        query = select(Need).where(Need.id == need_id, Need.created_at == created_at)
        query = query.with_for_update().execution_options(populate_existing=True)
        if db.scalar(query) is None:
            raise NeedNotFound
        yield
