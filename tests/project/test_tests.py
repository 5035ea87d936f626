"""How tests are laid out: rooms, helpers, and which of them run on both databases."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repository import ROOT

TESTS = ROOT / "tests"
SOURCE = ROOT / "src" / "imatch"
MAX_TEST_MODULES = 20
SHARED = {"factories", "support"}
WHOLE_PROGRAM = {"api", "browser", "project"}  # what is tested here has no room of its own
# What may go otherwise on PostgreSQL: rows that are locked, and SQL that SQLAlchemy does not write.
LOCKS_OR_OWN_SQL = re.compile(r"with_for_update|\.dialect\b|on_conflict|advisory|[^\w.]text\(")
AT_ONCE = re.compile(r"ThreadPoolExecutor|threading\.Thread")


def _modules() -> list[Path]:
    return sorted(TESTS.rglob("*.py"))


def _imported(path: Path) -> Iterator[str]:
    """Modules under `tests` that a module imports, with what it imports out of packages."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{name.name}" for name in node.names]
            packages = [name for name in names if _file(name).exists()]
            yield from packages or [node.module]


def _file(module: str) -> Path:
    return (ROOT / module.replace(".", "/")).with_suffix(".py")


def _foreign(path: Path) -> list[str]:
    """What a module takes from tests, or from the helpers of another room."""
    wrong = []
    for module in _imported(path):
        package, _, rest = module.partition(".")
        if package != "tests":
            continue
        name = module.rpartition(".")[2]
        own_room = _file(module).parent in path.parents
        shared = rest.partition(".")[0] in SHARED
        if name.startswith("test_") or name == "conftest" or not (own_room or shared):
            wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    return wrong


def test_helpers_are_shared_openly() -> None:
    """No test imports from a test, a conftest or another room's helpers."""
    assert [wrong for path in _modules() for wrong in _foreign(path)] == []


def test_tests_mirror_the_rooms_of_the_code() -> None:
    folders = {path.parent.relative_to(TESTS) for path in _modules()} - {Path()}
    outside = SHARED | WHOLE_PROGRAM
    rooms = {folder for folder in folders if folder.parts[0] not in outside}
    assert {room for room in rooms if not (SOURCE / room).is_dir()} == set()


def test_folders_stay_small() -> None:
    tests: dict[str, int] = {}
    for path in TESTS.rglob("test_*.py"):
        folder = str(path.parent.relative_to(ROOT))
        tests[folder] = tests.get(folder, 0) + 1
    assert {folder: count for folder, count in tests.items() if count > MAX_TEST_MODULES} == {}


def _on_both(folder: Path) -> bool:
    marked = re.compile(r"mark\.both_databases|mark\.postgresql")
    return any(
        marked.search(path.read_text(encoding="utf-8")) for path in folder.rglob("test_*.py")
    )


def test_contributing_lists_every_folder_with_its_databases() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `(\w+)` \| (both|SQLite) \| \d+ \|$", text, re.MULTILINE))
    folders = {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")}
    assert listed == {name: "both" if _on_both(TESTS / name) else "SQLite" for name in folders}


def _test_folder(room: Path) -> Path:
    """Where a room's tests are: its own folder, or that of the room around it."""
    folder = TESTS / room
    while not folder.is_dir():
        folder = folder.parent
    return folder


def test_rooms_that_lock_or_write_sql_are_tested_on_both_databases() -> None:
    rooms = {
        path.parent.relative_to(SOURCE)
        for path in SOURCE.rglob("*.py")
        if "versions" not in path.parts
        and LOCKS_OR_OWN_SQL.search(path.read_text(encoding="utf-8"))
    }
    assert len(rooms) > 10
    assert {str(room) for room in rooms if not _on_both(_test_folder(room))} == set()


def test_what_happens_at_once_runs_on_both_databases(request: pytest.FixtureRequest) -> None:
    """Locks are what SQLite and PostgreSQL differ in most. This looks at the tests of this run."""
    unmarked = {
        item.nodeid
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and "database_url" in item.fixturenames
        and ("new_session" in item.fixturenames or AT_ONCE.search(inspect.getsource(item.function)))
        and not any(item.iter_markers("both_databases"))
        and not any(item.iter_markers("postgresql"))
    }
    assert unmarked == set()
