"""Lock people, so that concurrent changes of what they earn or owe wait for each other."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.ids import is_id


def lock_people(db: Session, user_ids: Iterable[int]) -> set[int]:
    """The ids of the active people among these. Locks them until the transaction ends."""
    wanted = {user_id for user_id in user_ids if is_id(user_id)}
    if not wanted:
        return set()
    # In ascending id order, to avoid deadlocks. FOR NO KEY UPDATE does not block inserts of rows
    # that reference a person.
    active = select(User.id).where(User.id.in_(wanted), User.active).order_by(User.id)
    return set(db.scalars(active.with_for_update(key_share=True)))
