"""Read the POT book as it stands."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.ledger.models import PotTransaction


def rows(db: Session) -> list[PotTransaction]:
    """Every row, the oldest first."""
    return list(db.scalars(select(PotTransaction).order_by(PotTransaction.id)))
