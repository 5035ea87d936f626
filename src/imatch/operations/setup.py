"""Make an empty machine ready to serve: tables, categories and, to try it out, demo people."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.categories import service as categories
from imatch.core.database import SessionLocal, atomic
from imatch.core.errors import Conflict
from imatch.ledger import BOOKS
from imatch.ledger.sealing.seals import seal
from imatch.operations.database import current_revision, head_revision, migrate
from imatch.operations.demo import DemoCounts, generate, live
from imatch.pot.policy import service as policy
from imatch.providers.models import Provider

DEMO_PROVIDERS = 2_000
DEMO_SEEKERS = 200
_DEMO_SEED = 1


class NotMigrated(Conflict):
    code = "not_migrated"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was found or made; `demo` is None where the database held people already."""

    revision: str | None
    demo: DemoCounts | None


def prepare(
    engine: Engine, *, demo: bool = True, progress: Callable[[int], None] = lambda _done: None
) -> Prepared:
    """Migrate, sync the categories, mint the first POT; invent people and a past if nobody is."""
    revision = migrate(engine)
    with SessionLocal() as db:
        categories.sync(db)
        if not demo or _anybody(db):
            policy.genesis(db)
            return Prepared(revision, None)
        with atomic(db):  # all or nobody: a first start that was cut short begins anew
            invented = generate(
                db,
                providers=DEMO_PROVIDERS,
                seekers=DEMO_SEEKERS,
                seed=_DEMO_SEED,
                progress=progress,
            )
            live(db, seed=_DEMO_SEED)
        for book in BOOKS.values():
            while seal(db, book):
                pass
    return Prepared(revision, invented)


def require_migrated(engine: Engine) -> None:
    """Raise NotMigrated unless the database has the schema of this release."""
    if current_revision(engine) != head_revision():
        raise NotMigrated(
            "The database has not the schema of this release. Call `imatch migrate` first."
        )


def _anybody(db: Session) -> bool:
    return any(db.scalar(select(table.id).limit(1)) is not None for table in (User, Provider))
