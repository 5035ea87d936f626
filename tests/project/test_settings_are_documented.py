"""The reference names every setting with its default, and none that is gone."""

import re

from pydantic import SecretStr

from imatch.core.settings import Settings
from tests.support.repository import ROOT

REFERENCE = ROOT / "docs" / "reference" / "settings.md"
_ROW = re.compile(r"^\| `IMATCH_([A-Z_]+)` \| (.+?) \| (.+) \|$", re.MULTILINE)


def _default(value: object) -> str:
    if isinstance(value, SecretStr):
        return "a development key" if value.get_secret_value() else "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if value != "" else "empty"


def test_the_reference_and_the_settings_agree() -> None:
    documented = {
        name.lower(): default for name, default, _ in _ROW.findall(REFERENCE.read_text("utf-8"))
    }
    real = {name: _default(field.default) for name, field in Settings.model_fields.items()}
    assert documented == real
