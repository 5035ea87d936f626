"""Matching: count who is left, store shortlists, mark them as viewed, recompute the arithmetic."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from imatch.categories import queries as categories
from imatch.categories.checks import AnswerFault, clean_text
from imatch.categories.in_force import CategoryInForce
from imatch.categories.schemas import CategoryDefinition
from imatch.core import clock
from imatch.core.database import SessionLocal, atomic
from imatch.core.errors import Conflict, DomainError, Invalid
from imatch.core.events import announce
from imatch.core.logs import log
from imatch.core.settings import get_settings
from imatch.facts.marketplace import MatchesSuggested
from imatch.matches import queries, rules
from imatch.matches.explaining import arithmetic as sums
from imatch.matches.explaining import stored as explanations
from imatch.matches.models import Match, MatchKind, MatchStatus, Shortlist
from imatch.matches.pool import needs
from imatch.matches.pool.live import LivePool, MatchingUnavailable, live_pool
from imatch.needs import rules as seeker_rules
from imatch.needs.models import Need, NeedStatus
from imatch.needs.service import SafetyStop, complete, locked_need, require_complete
from imatch.providers.models import Provider
from imatch.ranking import types as engine

_TRIES = 3  # rankings, when providers become unavailable between ranking and storing


class NeedIncomplete(Conflict):
    code = "need_incomplete"

    def __init__(self) -> None:
        super().__init__("Check your answers and send them first: nobody was looked for yet.")


@dataclass(frozen=True, slots=True)
class RuleEffect:
    """What one rule does to the people of a category, for one need."""

    name: str
    label: str
    count: int  # how many it removes
    relaxable: bool
    would_remain: int  # how many would remain without it


@dataclass(frozen=True, slots=True)
class PeopleLeft:
    """How many pass every rule of a need, out of how many, and what each rule removes."""

    count: int
    considered: int
    removed: tuple[RuleEffect, ...]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A ranking that is not stored."""

    picks: tuple[engine.Pick, ...]
    considered: int
    passed: int
    removed: tuple[RuleEffect, ...]
    seed: int


def people_left(
    db: Session, category_name: str, values: Mapping[str, Any], importance: Mapping[str, str]
) -> PeopleLeft:
    """The live count of the intake, for clean answers so far.

    Raises UnknownCategory, InactiveCategory or MatchingUnavailable.
    """
    category = categories.active_by_name(db, category_name)
    live = live_pool(db, category.id, category.definition)
    need = needs.stated_need(category.definition, values, importance)
    pool_count = live.pool.count_passing(need, clock.today())
    return PeopleLeft(pool_count.passed, pool_count.total, _effects(pool_count.removed))


def warm_up() -> None:
    """Load the pools of all open categories in advance. Logs failures."""
    try:
        with SessionLocal() as db:
            for category in categories.active_categories(db):
                live_pool(db, category.id, category.definition)
    except (DomainError, SQLAlchemyError) as error:
        log().warning("match_pool_warm_up_failed", error=type(error).__name__)


def rank(
    db: Session,
    category_name: str,
    need: engine.StatedNeed,
    *,
    count: int,
    seed: int,
    exclude: frozenset[int] = frozenset(),
) -> tuple[Ranked, dict[int, Provider]]:
    """The people for a need with their rows, storing nothing.

    Raises UnknownCategory, InactiveCategory or MatchingUnavailable.
    """
    category = categories.active_by_name(db, category_name)
    live = live_pool(db, category.id, category.definition, fresh=True)
    for _ in range(_TRIES):
        ranked = _rank(live, need, count=count, seed=seed, exclude=exclude)
        providers = queries.matchable(db, _ids(ranked.picks), clock.now())
        if _all_there(db, live, ranked, providers):
            return ranked, providers
    raise MatchingUnavailable


def suggest(
    db: Session,
    seeker: Need,
    kind: MatchKind = MatchKind.BASIC,
    *,
    custom_criteria: str = "",
    refusal: rules.Refusal | None = None,
) -> Shortlist:
    """The shortlist of a complete need, made and stored once for the same answers and kind.

    A free one is made anew when somebody on it takes no new people any more. `re_match` leaves out
    everybody suggested to this need before; `refusal` says why they were not right: a price or
    place that was weighed becomes a rule. Raises NeedIncomplete, SafetyStop, InactiveCategory,
    MatchingUnavailable, Invalid for criteria that are too long, and NeedNotFound for a need that is
    deleted meanwhile.
    """
    category = _category_of(db, seeker)
    definition = category.definition
    again = kind is MatchKind.RE_MATCH
    exclude = queries.shown_before(db, seeker.id) if again else frozenset[int]()
    request = _request(definition, seeker, kind, custom_criteria, refusal, exclude)
    last = queries.shortlist_for(db, seeker.id, kind, request.fingerprint)
    if last is not None and _comes_again(db, last, is_open=category.active):
        return last
    return _make(db, seeker, category, request, exclude)


def finish(db: Session, seeker: Need) -> Shortlist:
    """Complete a need and store its free shortlist, for a seeker who looks at it at once.

    One transaction: while nobody can be ranked, the need stays a draft. Raises BadAnswers for
    missing answers, and what suggest raises.
    """
    category = categories.by_id(db, seeker.category_id)
    is_draft = seeker.status == NeedStatus.DRAFT
    if is_draft:
        require_complete(category.definition, seeker.answers["values"])
    request = _request(category.definition, seeker, MatchKind.BASIC, "", None, frozenset())
    last = queries.shortlist_for(db, seeker.id, MatchKind.BASIC, request.fingerprint)
    if last is None or not _comes_again(db, last, is_open=category.active):
        return _make(db, seeker, category, request, frozenset(), finishing=True)
    if is_draft:
        complete(db, seeker)
    take_as_viewed(db, queries.matches_of(db, last.id))
    return last


def made(db: Session, seeker: Need, kind: MatchKind = MatchKind.BASIC) -> Shortlist | None:
    """The stored shortlist for the present answers of a complete need. Read-only.

    Raises NeedIncomplete or SafetyStop.
    """
    definition = _category_of(db, seeker).definition
    request = _request(definition, seeker, kind, "", None, frozenset())
    return queries.shortlist_for(db, seeker.id, kind, request.fingerprint)


def checked_criteria(text: str) -> str:
    """Clean the seeker's own criteria. Raises Invalid."""
    try:
        clean = clean_text(text, "Your own criteria", rules.MAX_CUSTOM_CRITERIA, lines=True)
    except AnswerFault as fault:
        raise Invalid(fault.message) from fault
    return clean or ""


@dataclass(frozen=True, slots=True)
class _RankingRequest:
    kind: MatchKind
    need: engine.StatedNeed
    definition: CategoryDefinition
    fingerprint: str
    seed: int


def _category_of(db: Session, seeker: Need) -> CategoryInForce:
    if seeker.status == NeedStatus.DRAFT:
        raise NeedIncomplete
    return categories.by_id(db, seeker.category_id)


def _request(
    definition: CategoryDefinition,
    seeker: Need,
    kind: MatchKind,
    custom_criteria: str,
    refusal: rules.Refusal | None,
    exclude: frozenset[int],
) -> _RankingRequest:
    values = seeker.answers["values"]
    screen = seeker_rules.safety_stop(definition, values)
    if screen is not None:
        raise SafetyStop(screen)
    custom_criteria = checked_criteria(custom_criteria)
    importance = rules.importance_after(definition, seeker.answers["importance"], refusal)
    secret = get_settings().secret_key.get_secret_value()
    # The excluded providers are part of the fingerprint: a second re-match finds others again.
    left_out = [str(provider_id) for provider_id in sorted(exclude)]
    fingerprint = rules.answers_hash(secret, values, importance, custom_criteria, *left_out)
    need = needs.stated_need(definition, values, importance, custom_criteria)
    return _RankingRequest(
        kind, need, definition, fingerprint, rules.seed_of(seeker.id, fingerprint)
    )


def _comes_again(db: Session, shortlist: Shortlist, *, is_open: bool) -> bool:
    """Whether the stored shortlist answers the request, without a new ranking."""
    people = [match.provider_id for match in queries.matches_of(db, shortlist.id)]
    if people and is_open and shortlist.kind == MatchKind.BASIC:
        return len(queries.matchable(db, people, clock.now())) == rules.shown_of(shortlist)
    # What was bought stays as it was, and what is under way goes on when a category closes.
    return bool(people)


def _make(
    db: Session,
    seeker: Need,
    category: CategoryInForce,
    request: _RankingRequest,
    exclude: frozenset[int],
    *,
    finishing: bool = False,
) -> Shortlist:
    if not category.active:
        raise categories.InactiveCategory(category.definition.display_name)
    live = live_pool(db, category.id, category.definition, fresh=True)
    count = rules.PEOPLE[request.kind]
    for _ in range(_TRIES):
        ranked = _rank(live, request.need, count=count, seed=request.seed, exclude=exclude)
        # With two concurrent requests of a need, the second waits here and finds the first's row.
        with locked_need(db, seeker):
            if finishing:
                complete(db, seeker)
            last = queries.shortlist_for(db, seeker.id, request.kind, request.fingerprint)
            if last is not None and _comes_again(db, last, is_open=True):
                return last
            providers = queries.matchable(db, _ids(ranked.picks), clock.now())
            if _all_there(db, live, ranked, providers):
                empty = last if last and not queries.matches_of(db, last.id) else None
                return _store(db, seeker, request, ranked, providers, empty, viewed=finishing)
    raise MatchingUnavailable


def _rank(
    live: LivePool, need: engine.StatedNeed, *, count: int, seed: int, exclude: frozenset[int]
) -> Ranked:
    answer = live.pool.rank(
        need,
        count=count,
        seed=seed,
        today=clock.today(),
        exclude=exclude,
        exposure=live.exposure,
    )
    return Ranked(answer.picks, len(live.pool), answer.passed, _effects(answer.removed), seed)


def _effects(removed: Iterable[engine.GateEffect]) -> tuple[RuleEffect, ...]:
    return tuple(
        RuleEffect(rule.gate, rule.label, rule.count, rule.relaxable, rule.would_remain)
        for rule in removed
    )


def _ids(picks: Iterable[engine.Pick]) -> list[int]:
    return [pick.provider_id for pick in picks]


def _all_there(
    db: Session, live: LivePool, ranked: Ranked, providers: Mapping[int, Provider]
) -> bool:
    """Whether all providers can still be suggested; if not, refreshes the pool."""
    gone = [provider_id for provider_id in _ids(ranked.picks) if provider_id not in providers]
    if gone:
        live.reload(db.get_bind().engine, gone)
    return not gone


def _store(
    db: Session,
    seeker: Need,
    request: _RankingRequest,
    ranked: Ranked,
    providers: Mapping[int, Provider],
    empty: Shortlist | None,
    *,
    viewed: bool,
) -> Shortlist:
    """Store the ranking, or fill the shortlist that was empty before."""
    shortlist = empty or Shortlist(
        seeker_id=seeker.id, kind=request.kind, answers_hash=request.fingerprint
    )
    shortlist.seed = ranked.seed
    shortlist.considered = ranked.considered
    shortlist.passed = ranked.passed
    shortlist.removed = [asdict(effect) for effect in ranked.removed]
    shortlist.created_at = clock.now()
    db.add(shortlist)
    db.flush()
    today = clock.today()
    for position, pick in enumerate(ranked.picks, start=1):
        explained = explanations.explain(
            request.definition,
            pick,
            providers[pick.provider_id],
            request.need,
            today,
        )
        db.add(
            Match(
                shortlist_id=shortlist.id,
                seeker_id=seeker.id,
                provider_id=pick.provider_id,
                position=position,
                status=MatchStatus.VIEWED if viewed else MatchStatus.SUGGESTED,
                fit=pick.fit,
                explanation=explanations.to_json(explained),
                newcomer=pick.newcomer,
                propensity=pick.propensity,
            )
        )
    db.flush()
    shown = _ids(ranked.picks)
    _count_shown(db, shown)
    if shown:
        announce(db, MatchesSuggested(seeker.id, shortlist.id, tuple(shown)))
    return shortlist


def _count_shown(db: Session, provider_ids: Sequence[int]) -> None:
    """Count one more showing each. Keeps `updated_at`, because the profile did not change."""
    # Lock rows in ascending id order, to avoid deadlocks.
    db.execute(
        select(Provider.id)
        .where(Provider.id.in_(provider_ids))
        .order_by(Provider.id)
        .with_for_update(key_share=True)
    )
    db.execute(
        update(Provider)
        .where(Provider.id.in_(provider_ids))
        .values(shown_count=Provider.shown_count + 1, updated_at=Provider.updated_at)
        .execution_options(synchronize_session=False)
    )


def effects_of(shortlist: Shortlist) -> list[RuleEffect]:
    """What each rule removed when this shortlist was made, the strictest first."""
    return [RuleEffect(**stored) for stored in shortlist.removed]


def take_as_viewed(db: Session, matches: Sequence[Match]) -> None:
    """Mark the matches as viewed by the seeker. Idempotent."""
    if all(match.status != MatchStatus.SUGGESTED for match in matches):
        return
    with atomic(db):
        for match in matches:
            if match.status == MatchStatus.SUGGESTED:
                match.status = MatchStatus.VIEWED


def why(match: Match) -> sums.FitArithmetic:
    """Recompute the fit from the stored contributions, with all its parts."""
    return sums.arithmetic_of(explanations.from_json(match.explanation), match.fit)
