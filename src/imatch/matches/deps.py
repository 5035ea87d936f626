"""FastAPI dependencies that identify the viewer of matches: by cookie, header or account."""

from typing import Annotated

from fastapi import Depends

from imatch.accounts.deps import OptionalUser
from imatch.matches.queries import Viewer
from imatch.needs.deps import CurrentNeed, NeedTokenHeader
from imatch.needs.queries import current_need
from imatch.web.deps import Db


async def _page_viewer(need: CurrentNeed, user: OptionalUser) -> Viewer:
    return Viewer(need.id if need else None, user.id if user else None)


PageViewer = Annotated[Viewer, Depends(_page_viewer)]


def _api_viewer(db: Db, user: OptionalUser, token: NeedTokenHeader) -> Viewer:
    need = current_need(db, token=token) or current_need(db, token=token, user=user)
    return Viewer(need.id if need else None, user.id if user else None)


ApiViewer = Annotated[Viewer, Depends(_api_viewer)]
