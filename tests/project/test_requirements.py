"""Each requirements file is a closed lock: it pins all that it needs, on every supported Python."""

import json
import os
import platform
import subprocess
import tomllib
from importlib import metadata
from itertools import combinations

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from tests.support.repository import ROOT

FILES = ("run", "build", "dev")
PYTHONS = ("3.11", "3.12", "3.13")
OLDEST = PYTHONS[0]
RUNNING = ".".join(platform.python_version_tuple()[:2])


def _applies(requirement: Requirement, python: str, extra: str = "") -> bool:
    """Whether the requirement's marker is true on this platform with that Python."""
    environment = {"python_version": python, "python_full_version": f"{python}.0", "extra": extra}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def _project_requirements(file: str, python: str) -> list[Requirement]:
    """What pyproject.toml asks of the file."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    texts = [] if file == "build" else list(table["project"]["dependencies"])
    texts += table["dependency-groups"].get(file, [])
    return [need for need in map(Requirement, texts) if _applies(need, python)]


def _pins(file: str, python: str) -> dict[NormalizedName, str]:
    """The version of each package that the file installs on that Python."""
    pins: dict[NormalizedName, str] = {}
    for line in (ROOT / "requirements" / f"{file}.txt").read_text(encoding="utf-8").splitlines():
        if line.lstrip().startswith("--hash"):
            continue
        pin = Requirement(line.removesuffix("\\"))
        if _applies(pin, python):
            name = canonicalize_name(pin.name)
            assert name not in pins, f"{file}.txt pins {name} twice"
            pins[name] = str(pin.specifier).removeprefix("==")
    return pins


def _package_requirements(name: str, extra: str, python: str) -> list[Requirement]:
    """What the installed package says it needs when it is asked for with this extra."""
    requirements = map(Requirement, metadata.requires(name) or ())
    return [need for need in requirements if _applies(need, python, extra)]


def _faults(file: str, python: str) -> list[str]:
    """What is wrong with the file, found by following all requirements from pyproject.toml.

    Needs are read from the installed packages; like uv, this assumes that all wheels of a version
    declare the same needs. What a backport needs can be read only on the Python that installs it.
    The oldest Python therefore reads every pin, and a pin for newer Pythons alone is a fault.
    """
    pins = _pins(file, python)
    backports = _pins(file, OLDEST).keys() - _pins(file, RUNNING).keys()
    installed = {canonicalize_name(dist.name): dist.version for dist in metadata.distributions()}
    faults: list[str] = []
    visited: set[tuple[NormalizedName, str]] = set()
    waiting = [("pyproject.toml", need) for need in _project_requirements(file, python)]
    while waiting:
        owner, need = waiting.pop()
        name = canonicalize_name(need.name)
        version = pins.get(name)
        if version is None or not need.specifier.contains(version, prereleases=True):
            faults.append(f"{owner} needs {need}, but the file pins {version}")
        elif name in backports:
            visited.add((name, ""))
        elif installed.get(name) != version:
            faults.append(f"{name} {version} is not installed: what it needs is unknown")
        else:
            for extra in {"", *need.extras} - {extra for seen, extra in visited if seen == name}:
                visited.add((name, extra))
                waiting += [(name, inner) for inner in _package_requirements(name, extra, python)]
    if RUNNING == OLDEST:  # elsewhere a pin may be there for a backport
        names = {name for name, _ in visited}
        faults += [f"nothing needs {name}" for name in pins.keys() - names]
    return faults


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("file", FILES)
def test_a_file_pins_all_that_it_needs_and_no_more(file: str, python: str) -> None:
    assert _faults(file, python) == []


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(("file", "other"), list(combinations(FILES, 2)))
def test_files_pin_the_same_versions(file: str, other: str, python: str) -> None:
    pins, others = _pins(file, python), _pins(other, python)
    shared = pins.keys() & others.keys()
    assert {name: pins[name] for name in shared} == {name: others[name] for name in shared}


def _takes_the_lock(command: str) -> bool:
    if "npm" in command:
        return "npm ci " in command
    exact = {"--no-index"} if " -e ." in command else {"--require-hashes", "--only-binary"}
    return {"--no-deps", *exact} <= set(command.split())


def test_make_installs_only_what_is_locked() -> None:
    environment = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}
    printed = subprocess.run(
        ["make", "--dry-run", "--always-make", "test"],  # noqa: S607 -- make from the PATH
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    installs = [line for line in printed if "pip install" in line or "npm ci" in line]
    assert len(installs) == 4
    assert [line for line in installs if not _takes_the_lock(line)] == []


def test_every_locked_npm_package_has_a_hash() -> None:
    lock = json.loads((ROOT / "frontend" / "package-lock.json").read_text(encoding="utf-8"))
    unhashed = [path for path, entry in lock["packages"].items() if "integrity" not in entry]
    assert unhashed == [""]  # the project itself
