"""Pages to sign up, sign in and manage an account."""

from fastapi import APIRouter

from imatch.accounts.pages import (
    account,
    api_keys,
    personal_data,
    recovery,
    second_factor,
    sign_in,
    sign_up,
)

router = APIRouter()
for module in (sign_up, sign_in, recovery, account, second_factor, api_keys, personal_data):
    router.include_router(module.router)
