"""JSON about the caller's own account."""

from fastapi import APIRouter

from imatch.accounts import queries
from imatch.accounts.deps import CurrentUser, StepUp
from imatch.accounts.schemas import ApiKeyIn, ApiKeyOut, ApiKeysOut, MeOut, NewApiKeyOut
from imatch.accounts.service import api_keys
from imatch.core.ids import RowId
from imatch.web.deps import Db
from imatch.web.problem import problems

router = APIRouter(tags=["account"])


@router.get("/me")
def read_me(user: CurrentUser) -> MeOut:
    """Who the session or API key belongs to."""
    return MeOut.model_validate(user)


@router.get("/me/api-keys")
def list_api_keys(db: Db, user: CurrentUser) -> ApiKeysOut:
    """Your API keys that work, the newest first."""
    rows = queries.api_keys_of(db, user.id)
    return ApiKeysOut(items=[ApiKeyOut.model_validate(row) for row in rows])


@router.post("/me/api-keys", status_code=201, responses=problems(409))
def create_api_key(db: Db, user: StepUp, body: ApiKeyIn) -> NewApiKeyOut:
    """Make an API key. Needs a browser's session whose owner gave a password or code lately."""
    new_key = api_keys.create(db, user, name=body.name)
    row = ApiKeyOut.model_validate(new_key.row)
    return NewApiKeyOut(**row.model_dump(), key=new_key.key)


@router.delete("/me/api-keys/{key_id}", status_code=204, responses=problems(404))
def revoke_api_key(db: Db, user: StepUp, key_id: RowId) -> None:
    """Let a key of yours stop working. Needs a browser's session, as making one does."""
    api_keys.revoke(db, user, key_id)
