"""FastAPI dependencies about categories."""

from typing import Annotated

from fastapi import Depends
from starlette.concurrency import run_in_threadpool

from imatch.categories.in_force import (
    CategoriesInForce,
    categories_in_force,
    recently_in_force,
)
from imatch.web.deps import Db


async def _in_force(db: Db) -> CategoriesInForce:
    recent = recently_in_force(db)
    return recent if recent is not None else await run_in_threadpool(categories_in_force, db)


# The categories in force; uses no thread while the cached version is recent.
InForce = Annotated[CategoriesInForce, Depends(_in_force)]
