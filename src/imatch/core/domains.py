"""How a domain registers its tables, routers, listeners, jobs and personal data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

from imatch.core.events import Listener


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """What one folder adds to the program. Its `domain.py` defines it as DOMAIN.

    Routers are named "module" or "module:attribute", relative to the domain, and imported only by
    the web application. `export` and `erase` listen to PersonExported and PersonErased.
    """

    tables: Sequence[ModuleType] = ()
    api: Sequence[str] = ()  # routers under /api/v1
    pages: Sequence[str] = ()  # routers without a common prefix
    listeners: Sequence[tuple[type, Listener]] = ()
    jobs: Sequence[Callable[[], None]] = ()  # scheduled jobs
    export: Listener | None = None
    erase: Listener | None = None


def load(packages: Sequence[str]) -> dict[str, Domain]:
    """The domains of these packages, by package, in the same order."""
    return {package: import_module(f"{package}.domain").DOMAIN for package in packages}


def router(package: str, name: str) -> Any:  # noqa: ANN401 -- core knows no web framework
    """Import a router by its name: "pages" is the attribute `router` of the module `pages`."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(f"{package}.{module}"), attribute or "router")
