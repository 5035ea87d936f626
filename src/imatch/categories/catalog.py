"""Load and validate the shipped category definitions."""

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from imatch.categories.schemas import CategoryDefinition

HERE = Path(__file__).parent
DEFINITIONS = HERE / "definitions"
# These tables are laid over entry by entry; any other key replaces the common one whole.
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
    except DefinitionError as error:
        raise DefinitionError(f"{path.name}: {error}") from error
    except ValidationError as error:
        faults = "; ".join(
            ": ".join(
                part for part in (".".join(map(str, fault["loc"])), _plainly(fault["msg"])) if part
            )
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


def _plainly(message: str) -> str:
    return message.removeprefix("Value error, ").replace(
        "Extra inputs are not permitted", "unknown key"
    )


def _over_common(own: dict[str, Any]) -> dict[str, Any]:
    common = _read(HERE / "common.toml")
    merged = {**common, **own}
    for table in _LAID_OVER:
        merged[table] = {**common[table], **_table(own, table)}
    merged["profile"] = [*common["profile"], *_pages(own, "profile")]
    for section, side in (("intake", "seeker"), ("profile", "provider")):
        wanted = _asked(_pages(merged, section)) | _table(own, side).keys()
        merged[side] = {name: field for name, field in merged[side].items() if name in wanted}
    return merged


def _table(own: dict[str, Any], key: str) -> dict[str, Any]:
    found = own.get(key, {})
    if not isinstance(found, dict):
        raise DefinitionError(f"{key}: must be a table")
    return found


def _pages(own: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = own.get(key, [])
    if not isinstance(found, list) or not all(isinstance(page, dict) for page in found):
        raise DefinitionError(f"{key}: must be pages, each a table [[{key}]]")
    return found


def _asked(pages: list[dict[str, Any]]) -> set[str]:
    """The fields that pages name: only those of the common ones belong to a category."""
    named = [page.get("fields") for page in pages]
    return {
        name
        for names in named
        if isinstance(names, list)
        for name in names
        if isinstance(name, str)
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # malformed, no text, huge numbers, nested deep
        raise DefinitionError(f"{path.name}: not TOML: {error}") from error
    except OSError as error:
        raise DefinitionError(f"{path.name}: cannot be read: {error.strerror}") from error
