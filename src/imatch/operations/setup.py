"""Set up an empty installation: tables, categories and, optionally, demo people."""

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
from imatch.operations.demo import DemoCounts, generate, generate_history
from imatch.pot.policy import service as policy
from imatch.providers.models import Provider

DEMO_PROVIDERS = 2_000
DEMO_SEEKERS = 200
_DEMO_SEED = 1


class NotMigrated(Conflict):
    code = "not_migrated"


@dataclass(frozen=True, slots=True)
class SetupResult:
    """The result of `prepare`. `demo` is None if no demo people were generated."""

    revision: str | None
    demo: DemoCounts | None


def prepare(
    engine: Engine, *, demo: bool = True, progress: Callable[[int], None] = lambda _done: None
) -> SetupResult:
    """Migrate, sync categories, mint the first POT, and generate demo data if there are no people.

    `progress` is called with the number of people just written.
    """
    revision = migrate(engine)
    with SessionLocal() as db:
        categories.sync(db)
        if not demo or _has_people(db):
            policy.genesis(db)
            return SetupResult(revision, None)
        with atomic(db):  # so that an interrupted first start begins again
            counts = generate(
                db,
                providers=DEMO_PROVIDERS,
                seekers=DEMO_SEEKERS,
                seed=_DEMO_SEED,
                progress=progress,
            )
            generate_history(db, seed=_DEMO_SEED)
        for book in BOOKS.values():
            while seal(db, book):
                pass
    return SetupResult(revision, counts)


def require_migrated(engine: Engine) -> None:
    """Raise NotMigrated unless the database has the schema of this release."""
    if current_revision(engine) != head_revision():
        raise NotMigrated(
            "The database has not the schema of this release. Call `imatch migrate` first."
        )


def _has_people(db: Session) -> bool:
    return any(db.scalar(select(table.id).limit(1)) is not None for table in (User, Provider))
