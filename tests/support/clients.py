"""How tests enter the site as somebody."""

from collections.abc import Callable

from starlette.testclient import TestClient

from imatch.accounts.models import User

SignIn = Callable[[User], TestClient]
