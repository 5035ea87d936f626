"""A domain is registered by its `domain.py` and its name in `wiring.PACKAGES`."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path

import imatch
from imatch import wiring
from imatch.core import events
from imatch.facts import economy, marketplace, people
from imatch.facts.waiting import UNANNOUNCED, WITHOUT_LISTENER
from imatch.jobs import Job
from imatch.jobs.registry import all_jobs

SOURCE = Path(imatch.__file__).parent

TOY = {
    "__init__.py": '"""Toys that members lend."""',
    "models.py": """
from imatch.core.columns import Base, Id
from sqlalchemy.orm import Mapped

class Toy(Base):
    __tablename__ = "toys"
    id: Mapped[Id]
""",
    "pages.py": """
from fastapi import APIRouter

router = APIRouter()

@router.get("/toys")
def toys() -> list[str]:
    return ["kite"]
""",
    "tasks.py": """
from imatch.jobs import job

@job("count_toys", cron="0 4 * * *")
def count_toys() -> None:
    pass
""",
    "domain.py": """
from imatch.core.domains import Domain
from imatch.facts.people import EmailConfirmed
from toys import models
from toys.tasks import count_toys

heard = []

DOMAIN = Domain(
    tables=(models,),
    pages=("pages",),
    listeners=((EmailConfirmed, lambda _db, fact: heard.append(fact.user_id)),),
    jobs=(count_toys,),
    export=lambda _db, fact: fact.sections.update(toys=[]),
)
""",
}
# Registers the toy domain by `wiring.PACKAGES += ("toys",)`.
REGISTER_AND_CHECK = """
from imatch import wiring
wiring.PACKAGES += ("toys",)

from starlette.testclient import TestClient
from imatch.app import create_app
from imatch.core.events import announce
from imatch.facts.people import EmailConfirmed, PersonExported
from imatch.jobs.registry import all_jobs
from imatch.migrations.tables import metadata
import toys.domain

client = TestClient(create_app(), base_url="http://127.0.0.1:8401")
assert client.get("/toys").json() == ["kite"]
assert "toys" in metadata.tables
assert "count_toys" in {job.name for job in all_jobs()}
toys.domain.DOMAIN.listeners[0][1](None, EmailConfirmed(7))
assert toys.domain.heard == [7]
from imatch.core.events import _listeners
assert toys.domain.DOMAIN.listeners[0][1] in _listeners[EmailConfirmed]
assert toys.domain.DOMAIN.export in _listeners[PersonExported]
"""


def test_adding_a_domain_takes_a_folder_and_one_name(tmp_path: Path) -> None:
    folder = tmp_path / "toys"
    folder.mkdir()
    for name, text in TOY.items():
        (folder / name).write_text(text)
    process = subprocess.run(
        [sys.executable, "-c", REGISTER_AND_CHECK],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr


def test_every_domain_is_in_the_list() -> None:
    packages = {f"imatch.{path.parent.name}" for path in SOURCE.glob("*/domain.py")}
    assert packages == set(wiring.PACKAGES)
    packages_with_tables = {
        f"imatch.{path.relative_to(SOURCE).parts[0]}" for path in SOURCE.rglob("models.py")
    }
    assert packages_with_tables <= packages


def test_every_table_module_is_registered_by_its_domain() -> None:
    registered = {
        module.__name__ for domain in wiring.domains().values() for module in domain.tables
    }
    defining = {
        ".".join(("imatch", *path.relative_to(SOURCE).with_suffix("").parts))
        for path in SOURCE.rglob("*.py")
        if "    __tablename__ = " in path.read_text(encoding="utf-8")
    }
    assert registered == defining


def test_every_scheduled_job_is_registered_by_its_domain() -> None:
    registered = {job for domain in wiring.domains().values() for job in domain.jobs}
    assert all(isinstance(job, Job) and job.cron for job in registered)
    own_jobs = {job for job in all_jobs() if job.function.__module__.startswith("imatch.")}
    assert registered == {job for job in own_jobs if job.cron}


def _facts() -> set[type]:
    return {
        fact
        for module in (people, marketplace, economy)
        for _name, fact in inspect.getmembers(module, inspect.isclass)
        if fact.__module__ == module.__name__ and is_dataclass(fact)
    }


def _announced_names() -> Iterator[str]:
    """The names of classes that are instantiated in modules that announce facts."""
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "announce(" not in text or "operations" in path.parts:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield node.func.id


def test_every_fact_has_a_listener_or_is_marked() -> None:
    wiring.wire()
    listened = {
        fact
        for fact in _facts()
        for listener in events._listeners[fact]  # noqa: SLF001 -- registered listeners
        if listener.__module__.startswith("imatch.")  # skip those of other tests
    }
    assert _facts() - listened == WITHOUT_LISTENER.keys()


def test_every_fact_is_announced_or_is_marked() -> None:
    names = set(_announced_names())
    announced = {fact for fact in _facts() if fact.__name__ in names}
    assert _facts() - announced == UNANNOUNCED.keys()
