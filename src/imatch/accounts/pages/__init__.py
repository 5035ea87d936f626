"""The pages where people open, enter and look after their accounts."""

from fastapi import APIRouter, Depends

from imatch.accounts.deps import remember_user
from imatch.accounts.pages import recovery, sign_in, sign_up

router = APIRouter(dependencies=[Depends(remember_user)])
for room in (sign_up, sign_in, recovery):
    router.include_router(room.router)
