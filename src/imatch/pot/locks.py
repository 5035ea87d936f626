"""Hold people against others who change what they earn or owe at the same moment."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.ids import is_id


def lock_people(db: Session, user_ids: Iterable[int]) -> set[int]:
    """Those of these who exist and are active; they are held until the transaction ends."""
    wanted = {user_id for user_id in user_ids if is_id(user_id)}
    if not wanted:
        return set()
    # Ascending, so that nobody waits in a circle. Not against the books' references to a person.
    held = select(User.id).where(User.id.in_(wanted), User.active).order_by(User.id)
    return set(db.scalars(held.with_for_update(key_share=True)))
