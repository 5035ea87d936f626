"""What a seeker does with a need: start, answer, relax, complete, claim, delete."""

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
from imatch.pot.shop import service as shop
from imatch.throttling.rules import TryLimit, network_of
from imatch.throttling.service import TooManyTries, admit
from imatch.web.formats import plural

NEED: Final = "seeker"  # what an order for a need refers to
NEEDS_PER_NETWORK = TryLimit("need/network", 30, timedelta(hours=1))

Answers = dict[str, dict[str, Any]]  # `values` and `importance`, by field name


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
    """The answers call for help that a marketplace cannot give: nobody is ranked."""

    code = "safety_screen"

    def __init__(self, screen: Screen) -> None:
        contacts = "; ".join(f"{r.name}: {r.contact} ({r.region})" for r in screen.resources)
        super().__init__(f"{screen.title} {screen.text} {contacts}".strip())
        self.screen = screen


def start(
    db: Session, category: str, *, user: User | None = None, address: str | None = None
) -> tuple[Need, str]:
    """A new, empty need, and the token that opens it.

    Needs without an account are counted by the network address that they come from.
    Raises UnknownCategory, InactiveCategory, or TooManyNeeds.
    """
    token = new_token()
    with atomic(db):
        row = categories.active_by_name(db, category)
        if user is None and address is not None:
            _admit(db, address)
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


def _admit(db: Session, address: str) -> None:
    """Count a need, in the transaction that makes it: one that fails does not count."""
    try:
        admit(db, (NEEDS_PER_NETWORK, network_of(address)))
    except TooManyTries as refused:
        raise TooManyNeeds(retry_after_seconds=refused.retry_after_seconds) from None


def intake_page(definition: CategoryDefinition, number: int) -> FormPage:
    """The intake page of this number, from 1. Raises NoSuchPage."""
    if not 1 <= number <= len(definition.intake):
        raise NoSuchPage
    return definition.intake[number - 1]


def checked_page(
    definition: CategoryDefinition, number: int, values: object, importance: object
) -> Answers:
    """The clean answers of one intake page. Raises NoSuchPage or BadAnswers."""
    page = intake_page(definition, number)
    fields = {name: definition.seeker[name] for name in page.fields}
    return _checked(definition, fields, values, importance)


def _checked(
    definition: CategoryDefinition,
    fields: Mapping[str, FieldDefinition],
    values: object,
    importance: object,
) -> Answers:
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
    """Keep the answers of one intake page; a completed need becomes a draft again.

    A rule of this page that was relaxed stays so while its field is in `still_relaxed`.
    Raises NoSuchPage, or BadAnswers with every fault and changes nothing.
    """
    definition = definition_of(db, need)
    answered = checked_page(definition, number, values, importance)
    page = intake_page(definition, number)
    with held(db, need):
        _change(need, rules.merged(page, need.answers, answered, still_relaxed))
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
    """A new need with its first answers: wrong ones leave nothing behind."""
    with atomic(db):
        need, token = start(db, category, user=user, address=address)
        answer(db, need, number, values, importance)
    return need, token


def relax(db: Session, need: Need, rule: str) -> Need:
    """Give up one rule: a must becomes a preference, a plain requirement is left out.

    Raises NotRelaxable for a rule that no answer stands behind, or that the law makes.
    """
    definition = definition_of(db, need)
    field = rules.field_of_rule(definition, rule)
    if field is None:
        raise NotRelaxable
    with held(db, need):
        importance = need.answers["importance"] | {field: str(rules.relaxed(definition, rule))}
        _change(need, {**need.answers, "importance": importance})
    return need


def _change(need: Need, answers: dict[str, Any]) -> None:
    if answers == need.answers:
        return
    need.answers = answers
    need.status = NeedStatus.DRAFT
    need.completed_at = None


def complete(db: Session, need: Need) -> Need:
    """Say that the answers are final, so that people may be ranked. Twice is once.

    Raises BadAnswers for what is missing, SafetyStop, or InactiveCategory.
    """
    definition = definition_of(db, need)
    with held(db, need):
        if need.status == NeedStatus.COMPLETE:
            return need
        category = categories.active_by_name(db, definition.name)
        _refuse_unfit(definition, need.answers["values"])
        need.status = NeedStatus.COMPLETE
        need.completed_at = now()
        announce(db, NeedCompleted(seeker_id=need.id, category=category.name))
        milestones.need_completed(db, need)
    return need


def _refuse_danger(definition: CategoryDefinition, values: dict[str, Any]) -> None:
    """Who is in danger hears who helps before anything else that may be wrong or missing."""
    screen = rules.stopped(definition, values)
    if screen is not None:
        raise SafetyStop(screen)


def _refuse_unfit(definition: CategoryDefinition, values: dict[str, Any]) -> None:
    _refuse_danger(definition, values)
    # An answer to a question that the category no longer asks counts for nothing, and harms nobody.
    asked = {name: value for name, value in values.items() if name in definition.seeker}
    _clean, errors = forms.validate(definition, definition.seeker, asked, require=True)
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
    """A whole need at once, completed. Raises as start, answer and complete do."""
    definition = categories.active_by_name(db, category).definition
    told, _errors = forms.validate(definition, definition.seeker, values, require=False)
    _refuse_danger(definition, told)
    answers = _checked(definition, definition.seeker, values, importance)
    with atomic(db):
        need, token = start(db, category, user=user, address=address)
        need.answers = answers
        complete(db, need)
    return need, token


def delete(db: Session, need: Need) -> None:
    """Take a need away with everything that was found for it; what is ordered is cancelled."""
    with held(db, need):
        _cancel_orders(db, need)
        db.execute(delete_rows(Need).where(Need.id == need.id))


def _cancel_orders(db: Session, need: Need) -> None:
    """Give the held POT back: nobody is to look for people for whichever need has the id next."""
    if need.user_id is None:
        return
    for purchase in shop.bought_for(db, need.user_id, NEED, need.id):
        if purchase.status == "ordered":
            with suppress(shop.PurchaseSettled):  # an operator was faster
                shop.cancel(db, purchase.id, user_id=need.user_id)


def claim(db: Session, need: Need, user: User) -> Need:
    """Give a need to an account; from then on only that account opens it.

    Raises NeedNotFound when it belongs to another one.
    """
    with held(db, need):
        if need.user_id not in {None, user.id}:
            raise NeedNotFound
        need.user_id = user.id
        milestones.need_completed(db, need)
    return need


@contextmanager
def held(db: Session, need: Need) -> Iterator[None]:
    """Let two tabs that change a need at once follow each other: neither loses the other's.

    Raises NeedNotFound where it was deleted meanwhile, also when its id is another need's now.
    """
    try:
        seen = (need.id, need.created_at)
    except ObjectDeletedError:
        raise NeedNotFound from None
    with atomic(db):
        same = select(Need).where(Need.id == seen[0], Need.created_at == seen[1])
        present = same.with_for_update().execution_options(populate_existing=True)
        if db.scalar(present) is None:
            raise NeedNotFound
        yield
