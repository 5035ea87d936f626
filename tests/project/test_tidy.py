"""The house rules that a machine can hold."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.support.repository import ROOT, tracked_files

SOURCE = ROOT / "src" / "imatch"
MIGRATIONS = SOURCE / "migrations" / "versions"
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
MAX_FILE_BYTES = 500_000


def _modules() -> list[Path]:
    return [path for path in SOURCE.rglob("*.py") if MIGRATIONS not in path.parents]


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_files_stay_short() -> None:
    templates = list((SOURCE / "web" / "templates").rglob("*.html"))
    long = {
        str(path.relative_to(ROOT)): lines
        for path in [*_modules(), *templates]
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MAX_FILE_LINES
    }
    assert long == {}


def test_functions_stay_short() -> None:
    long = {
        f"{path.relative_to(ROOT)}:{function.name}": lines
        for path in _modules()
        for function in _functions(path)
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > MAX_FUNCTION_LINES
    }
    assert long == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in _modules()
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_only_the_database_room_commits() -> None:
    committing = {
        str(path.relative_to(SOURCE))
        for path in _modules()
        if re.search(r"\.commit\(", path.read_text(encoding="utf-8"))
    }
    assert committing == {"core/database.py"}


def test_only_the_clock_reads_the_time() -> None:
    reading = {
        str(path.relative_to(SOURCE))
        for path in _modules()
        if re.search(r"datetime\.(now|utcnow)\(|date\.today\(", path.read_text(encoding="utf-8"))
    }
    assert reading == {"core/clock.py"}


def test_only_ids_states_the_largest_integer() -> None:
    stating = {
        str(path.relative_to(SOURCE))
        for path in _modules()
        if re.search(r"\*\*\s*6[34]|9_?223_?372|1\s*<<\s*6[34]", path.read_text(encoding="utf-8"))
    }
    assert stating == {"core/ids.py"}


def test_numbers_money_and_days_are_worded_in_one_place() -> None:
    by_hand = re.compile(
        r""":[+]?,(\.\d+)?[a-z%]?\}|:[+]?\.\d+[f%]\}|:%[-\w]|\.strftime\(|'%\.\d"""
        r"""|['"]e?s['"] if |\$\{|\{\{\s*'\$'""",
    )
    formats = SOURCE / "web" / "formats.py"
    templates = (SOURCE / "web" / "templates").rglob("*.html")
    wording = {
        str(path.relative_to(SOURCE))
        for path in [*_modules(), *templates]
        if path != formats and by_hand.search(path.read_text(encoding="utf-8"))
    }
    for_programs = {
        "ledger/sealing/seals.py",
        "mail/delivery.py",
        "pot/economy/files.py",
        "pot/redemption/payouts.py",
    }
    assert wording == for_programs


def test_no_large_or_built_file_is_committed() -> None:
    large = [str(path) for path in tracked_files() if path.stat().st_size > MAX_FILE_BYTES]
    assert large == []


def test_no_registry_is_named() -> None:
    """Lock files name packages and hashes; where they come from is the machine's own business."""
    lock_files = [*(ROOT / "requirements").glob("*.txt"), ROOT / "frontend" / "package-lock.json"]
    assert len(lock_files) == 4
    for path in lock_files:
        text = path.read_text(encoding="utf-8")
        assert "index-url" not in text
        assert '"resolved"' not in text


def test_templates_bring_no_inline_script_or_style() -> None:
    inline = re.compile(r"<script(?![^>]*\bsrc=)|\sstyle=|<style|\son[a-z]+=", re.IGNORECASE)
    found = [
        str(path.relative_to(ROOT))
        for path in (SOURCE / "web" / "templates").rglob("*.html")
        if inline.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_pages_have_one_kit() -> None:
    """Headers against caches, redirects after forms and errors beside forms are web/forms.py's."""
    by_hand = re.compile(r"no-store|RedirectResponse|except NotFound|Retry-After")
    found = {
        str(path.relative_to(SOURCE))
        for path in _modules()
        if SOURCE / "web" not in path.parents and by_hand.search(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_pages_catch_every_error_in_the_kit_alone() -> None:
    catching = {
        str(path.relative_to(SOURCE))
        for path in _modules()
        if "APIRouter(" in (text := path.read_text(encoding="utf-8"))
        and "except DomainError" in text
    }
    assert catching == {"needs/pages.py"}  # an unknown code is wrong in its form, not a lost page


def _names_of_types(path: Path) -> Iterator[str]:
    """Classes, and type aliases: names that begin with a capital and are no constants."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) if (
                name[0].isupper() and not name.isupper()
            ):
                yield name


def test_one_name_has_one_meaning() -> None:
    times = Counter(name for path in _modules() for name in _names_of_types(path))
    assert {name for name, count in times.items() if count > 1} == set()
