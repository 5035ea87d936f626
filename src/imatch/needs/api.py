"""JSON API of needs: create, read, delete."""

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from imatch.accounts.deps import OptionalUser
from imatch.core.ids import RowId
from imatch.needs import queries, rules, service
from imatch.needs.deps import NeedTokenHeader
from imatch.needs.models import Need
from imatch.needs.schemas import NeedCreated, NeedIn, NeedOut, NoticeOut
from imatch.web.deps import ClientAddress, Db
from imatch.web.problem import problems

router = APIRouter(prefix="/needs", tags=["needs"])


@router.post("", status_code=HTTP_201_CREATED, responses=problems(404, 409, 429))
def create_need(body: NeedIn, db: Db, user: OptionalUser, address: ClientAddress) -> NeedCreated:
    """Hand in a complete need. Signed in, it belongs to your account.

    Without an account, a network may hand in 30 an hour.
    """
    need, token = service.submit(
        db, body.category, body.values, body.importance, user=user, address=address
    )
    return NeedCreated(**_need_out(db, need).model_dump(), token=token)


@router.get("/{need_id}", responses=problems(404))
def read_need(need_id: RowId, db: Db, user: OptionalUser, token: NeedTokenHeader) -> NeedOut:
    """One of your needs, with everything that was answered."""
    return _need_out(db, queries.owned(db, need_id, token=token, user=user))


@router.delete("/{need_id}", status_code=HTTP_204_NO_CONTENT, responses=problems(404))
def delete_need(need_id: RowId, db: Db, user: OptionalUser, token: NeedTokenHeader) -> None:
    """Take a need away for good, with everything that was found for it."""
    service.delete(db, queries.owned(db, need_id, token=token, user=user))


def _need_out(db: Session, need: Need) -> NeedOut:
    definition = queries.definition_of(db, need)
    notices = rules.notices(definition, need.answers["values"])
    return NeedOut(
        id=need.id,
        category=definition.name,
        status=need.status,
        values=need.answers["values"],
        importance=need.answers["importance"],
        notices=[NoticeOut(title=screen.title, text=screen.text) for screen in notices],
        created_at=need.created_at,
        completed_at=need.completed_at,
    )
