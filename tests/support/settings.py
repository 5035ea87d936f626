"""Override settings inside a block."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from imatch.core.settings import get_settings

Configure = Callable[..., None]
PRODUCTION = {
    "environment": "production",
    "secret_key": "k" * 40,
    "base_url": "https://match.example",
    "smtp_host": "mail.example",
}


@contextmanager
def settings(**values: object) -> Iterator[None]:
    """Set the IMATCH_… variables of these settings, by field name."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(f"IMATCH_{name.upper()}", str(value))
        get_settings.cache_clear()
        try:
            yield
        finally:
            patch.undo()
            get_settings.cache_clear()
