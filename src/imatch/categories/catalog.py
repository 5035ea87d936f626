"""Read the category definitions that ship, and say clearly what is wrong with one."""

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from imatch.categories.schemas import CategoryDefinition

HERE = Path(__file__).parent
DEFINITIONS = HERE / "definitions"
_LAID_OVER = ("seeker", "provider", "vocabularies")


class DefinitionError(ValueError):
    """A definition file is wrong; the message names the file, the key and the fault."""


def load(path: Path) -> CategoryDefinition:
    """The definition in one TOML file, laid over what all categories share.

    Raises DefinitionError for a file that is not TOML or breaks a rule.
    """
    own = _read(path)
    if own.get("name") != path.stem:
        raise DefinitionError(f"{path.name}: name must be {path.stem!r}, is {own.get('name')!r}")
    try:
        return CategoryDefinition.model_validate(_over_common(own))
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise DefinitionError(f"{path.name}: {faults}") from error


@lru_cache
def definitions(folder: Path = DEFINITIONS) -> dict[str, CategoryDefinition]:
    """Every definition by name, in the order of their names."""
    return {path.stem: load(path) for path in sorted(folder.glob("*.toml"))}


def definition(name: str) -> CategoryDefinition:
    """One category's definition. Raises KeyError for an unknown name."""
    return definitions()[name]


def _over_common(own: dict[str, Any]) -> dict[str, Any]:
    common = _read(HERE / "common.toml")
    merged = {**common, **own}
    for table in _LAID_OVER:
        merged[table] = {**common[table], **own.get(table, {})}
    merged["profile"] = [*common["profile"], *own.get("profile", [])]
    asked = {name for page in own.get("intake", []) for name in page.get("fields", [])}
    merged["seeker"] = {
        name: field
        for name, field in merged["seeker"].items()
        if name in asked or name in own.get("seeker", {})
    }
    return merged


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{path.name}: not TOML: {error}") from error
