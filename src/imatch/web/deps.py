"""FastAPI dependencies that any endpoint may use: session, address, paging, form values."""

from collections.abc import AsyncIterator
from typing import Annotated

from anyio import CancelScope, CapacityLimiter, to_thread
from fastapi import Depends, Form, Path, Query, Request
from sqlalchemy.orm import Session

from imatch.core.database import SessionLocal


async def _session() -> AsyncIterator[Session]:
    """A session per request. Only one with an open transaction is closed in a thread."""
    db = SessionLocal()
    try:
        yield db
    finally:
        if db.in_transaction():
            # Outside the endpoints' threads: all of them may be waiting for this connection.
            with CancelScope(shield=True):
                await to_thread.run_sync(db.close, limiter=CapacityLimiter(1))
        else:
            db.close()


# A session for this request. Services write inside `atomic(db)`, which commits before the endpoint
# returns, so that no response reports success for a commit that then fails.
Db = Annotated[Session, Depends(_session)]

Limit = Annotated[int, Query(ge=1, le=100, description="How many items a page holds.")]
Cursor = Annotated[
    str | None, Query(max_length=64, description="`next_cursor` of the page before.")
]


# Limits far above what services accept, so that the form shows the error beside its field.
ShortText = Annotated[str, Form(max_length=1_000)]
ShortQuery = Annotated[str, Query(max_length=100)]
OptionName = Annotated[str, Path(max_length=64)]


async def client_address(request: Request) -> str:
    """The caller's address as the server saw it (uvicorn resolves trusted proxies)."""
    return request.client.host if request.client else "unknown"


ClientAddress = Annotated[str, Depends(client_address)]


async def posted_form(request: Request) -> dict[str, list[str]]:
    """Every control of a posted form with all its values; uploaded files are left out."""
    controls: dict[str, list[str]] = {}
    async with request.form() as form:
        for name, value in form.multi_items():
            if isinstance(value, str):
                controls.setdefault(name, []).append(value)
    return controls


PostedForm = Annotated[dict[str, list[str]], Depends(posted_form)]
