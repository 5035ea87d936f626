"""Every module stands under a layers contract, and no folder is crowded."""

import re
import tomllib
from collections import Counter
from typing import Any

from tests.support.repository import ROOT

SOURCE = ROOT / "src" / "imatch"
MOST_MODULES_IN_A_FOLDER = 20
# The package itself, and Alembic's numbered steps, which are no modules.
OUTSIDE = {"imatch", "imatch.__main__"}


def _contracts() -> list[dict[str, Any]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts: list[dict[str, Any]] = project["tool"]["importlinter"]["contracts"]
    return contracts


def _modules() -> set[str]:
    files = [path for path in SOURCE.rglob("*.py") if "versions" not in path.parts]
    dotted = (path.relative_to(SOURCE.parent).with_suffix("").parts for path in files)
    return {".".join(parts).removesuffix(".__init__") for parts in dotted}


def _placed(contract: dict[str, Any]) -> set[str]:
    """The modules that a layers contract gives a place."""
    names = {
        name.strip().strip("()") for layer in contract["layers"] for name in re.split("[|:]", layer)
    }
    return {f"{container}.{name}" for container in contract["containers"] for name in names}


def test_every_module_stands_under_a_layers_contract() -> None:
    placed = set().union(*(_placed(each) for each in _contracts() if each["type"] == "layers"))
    assert _modules() - placed - OUTSIDE == set()


def test_layers_contracts_are_exhaustive() -> None:
    layers = [contract for contract in _contracts() if contract["type"] == "layers"]
    assert [each["name"] for each in layers if not each.get("exhaustive")] == []


def test_no_folder_holds_more_modules_than_one_reads_at_a_glance() -> None:
    beside = Counter(
        path.parent.relative_to(ROOT) for path in SOURCE.rglob("*.py") if path.stem != "__init__"
    )
    assert {
        str(folder): count for folder, count in beside.items() if count > MOST_MODULES_IN_A_FOLDER
    } == {}
