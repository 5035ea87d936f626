"""JSON API of shortlists and matches, for the holder of a need's token or its owner."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Header
from sqlalchemy.orm import Session
from starlette.status import HTTP_200_OK

from imatch.accounts.deps import NotSignedIn, OptionalUser
from imatch.accounts.models import User
from imatch.core.errors import FieldError, Invalid
from imatch.core.ids import RowId
from imatch.core.paging import decode_cursor, page_of
from imatch.matches import queries, service
from imatch.matches.deps import ApiViewer
from imatch.matches.explaining.arithmetic import FitArithmetic, Line
from imatch.matches.explaining.cards import Card, cards_of
from imatch.matches.models import Match, MatchKind, Shortlist
from imatch.matches.paid import service as paid
from imatch.matches.queries import NoSuchMatch
from imatch.matches.rules import Refusal
from imatch.matches.schemas import (
    ArithmeticOut,
    LineOut,
    MatchDetailOut,
    MatchOut,
    MatchPageOut,
    OrderOut,
    PersonOut,
    ReasonOut,
    RuleOut,
    ShortlistIn,
    ShortlistOut,
)
from imatch.needs import queries as seekers
from imatch.needs.deps import NeedTokenHeader
from imatch.needs.models import Need
from imatch.web.deps import Cursor, Db, Limit
from imatch.web.problem import problems

router = APIRouter(tags=["matches"])

OptionalKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=100,
        pattern=r"^[\x21-\x7e]+$",
        description="Chosen by you, one for each purchase; needed for the kinds for POT.",
    ),
]


@router.post(
    "/needs/{need_id}/shortlists", status_code=HTTP_200_OK, responses=problems(401, 404, 409, 503)
)
def make_shortlist(
    need_id: RowId,
    db: Db,
    user: OptionalUser,
    token: NeedTokenHeader,
    idempotency_key: OptionalKey = None,
    body: ShortlistIn | None = None,
) -> ShortlistOut:
    """Find the people for a complete need. The same answers give the same shortlist again.

    A free one is made anew when somebody on it takes no new people any more.
    A kind for POT is charged together with the shortlist, or not at all; the same key again
    answers with the same one.
    """
    need = seekers.owned(db, need_id, token=token, user=user)
    wanted = body or ShortlistIn()
    refusal = wanted.refusal and Refusal(wanted.refusal)
    wish = paid.checked_wish(paid.Wish(MatchKind(wanted.kind), wanted.criteria, refusal))
    if wish.kind is MatchKind.BASIC:
        shortlist = service.suggest(db, need)
    else:
        shortlist = _bought(db, need, wish, user, idempotency_key)
    disclosures = seekers.definition_of(db, need).disclosures
    return _shortlist(db, shortlist, disclosures)


def _bought(
    db: Session, need: Need, wish: paid.Wish, user: User | None, key: str | None
) -> Shortlist:
    if user is None:
        raise NotSignedIn("Sign in as the owner of the need: this kind is for POT.")
    if key is None:
        message = "Send an Idempotency-Key: this kind is for POT, and is bought once for each key."
        raise Invalid(message, fields=(FieldError("Idempotency-Key", message),))
    return paid.buy(db, user, need, wish, key=f"api:{key}")


@router.get("/matches")
def list_matches(
    db: Db, viewer: ApiViewer, limit: Limit = 20, cursor: Cursor = None
) -> MatchPageOut:
    """Your matches, the newest first. Without a token or account there are none."""
    rows = queries.page_of_matches(db, viewer, after_id=decode_cursor(cursor), limit=limit)
    page = page_of(rows, limit, lambda match: match.id)
    return MatchPageOut(
        items=[_match(card) for card in cards_of(db, page.items)], next_cursor=page.next_cursor
    )


@router.get("/matches/{match_id}", responses=problems(404))
def read_match(match_id: RowId, db: Db, viewer: ApiViewer) -> MatchDetailOut:
    """One of your matches with the whole arithmetic."""
    match = queries.match_of(db, match_id, viewer)
    cards = cards_of(db, [match])
    if not cards:
        raise NoSuchMatch
    pick = cards[0].explanation.pick
    return MatchDetailOut(
        **_match(cards[0]).model_dump(),
        arithmetic=_arithmetic(service.why(match)),
        best_sentence=pick.best_sentence,
        counterfactual=pick.counterfactual,
        propensity=match.propensity,
    )


def _shortlist(db: Session, shortlist: Shortlist, disclosures: Sequence[str]) -> ShortlistOut:
    matches: Sequence[Match] = queries.matches_of(db, shortlist.id)
    return ShortlistOut(
        id=shortlist.id,
        need_id=shortlist.seeker_id,
        kind=shortlist.kind,
        considered=shortlist.considered,
        passed=shortlist.passed,
        rules=[
            RuleOut(
                name=rule.name,
                label=rule.label,
                removed=rule.count,
                relaxable=rule.relaxable,
                would_remain=rule.would_remain,
            )
            for rule in service.effects_of(shortlist)
        ],
        disclosures=list(disclosures),
        matches=[_match(card) for card in cards_of(db, matches)],
        created_at=shortlist.created_at,
    )


def _match(card: Card) -> MatchOut:
    match = card.match
    return MatchOut(
        id=match.id,
        shortlist_id=match.shortlist_id,
        need_id=match.seeker_id,
        position=match.position,
        status=match.status,
        fit=match.fit,
        newcomer=match.newcomer,
        person=PersonOut(
            slug=card.provider.slug,
            name=card.name,
            headline=card.provider.headline,
            price=card.price,
            rating=card.rating,
            reply_time=card.reply_time,
            checked_credentials=[badge.label for badge in card.badges],
            takes_people=card.takes_people,
        ),
        reasons=[
            ReasonOut(
                criterion=reason.criterion,
                want=reason.want,
                offer=reason.offer,
                since=reason.since,
            )
            for reason in card.reasons
        ],
        caveat=card.caveat,
        created_at=match.created_at,
    )


def _arithmetic(sums: FitArithmetic) -> ArithmeticOut:
    order = sums.order
    return ArithmeticOut(
        lines=[_line(line) for line in sums.lines],
        weights=sums.weights,
        points=sums.points,
        fit=sums.fit,
        agrees=sums.agrees,
        order=OrderOut(
            fit=order.fit,
            accept=order.accept,
            room=order.room,
            price=order.price,
            score=order.score,
        ),
    )


def _line(line: Line) -> LineOut:
    score, sides = line.score, line.sides
    return LineOut(
        criterion=score.name,
        label=score.label,
        asked=sides.asked if sides else "",
        offered=sides.offered if sides else "",
        source=sides.source if sides else "",
        day=sides.day if sides else None,
        weight=score.weight,
        score=score.score,
        points=line.points,
        pool_mean=score.pool_mean,
        known=score.known,
        note=score.note,
        parts=dict(score.parts),
    )
