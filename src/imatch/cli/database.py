"""`imatch migrate`: migrate the database to the current schema."""

from imatch.categories import service as categories
from imatch.cli.output import JsonOption, out, print_json
from imatch.core.database import SessionLocal, engine
from imatch.operations import database
from imatch.pot.policy import service as policy


def migrate(*, as_json: JsonOption = False) -> None:
    """Create or upgrade the tables, sync the category definitions, mint the first POT."""
    revision = database.migrate(engine())
    with SessionLocal() as db:
        categories.sync(db)
        policy.genesis(db)
    if as_json:
        print_json({"database": engine().url.render_as_string(), "revision": revision})
    else:
        out.print(f"The database {engine().url.render_as_string()} is at revision {revision}.")
