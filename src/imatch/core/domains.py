"""How a domain registers what it brings: tables, routers, listeners, jobs, personal data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

from imatch.core.events import Listener


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """What one folder brings to the program; its `domain.py` holds it as DOMAIN.

    Routers are named as "module" or "module:attribute", relative to the domain, and not imported:
    a worker needs none of them. `export` and `erase` are what PersonExported and PersonErased call.
    """

    tables: Sequence[ModuleType] = ()
    api: Sequence[str] = ()  # routers under /api/v1
    pages: Sequence[str] = ()  # routers with addresses of their own
    listeners: Sequence[tuple[type, Listener]] = ()
    jobs: Sequence[Callable[[], None]] = ()  # those that run on a schedule
    export: Listener | None = None
    erase: Listener | None = None


def load(packages: Sequence[str]) -> dict[str, Domain]:
    """The domains of these packages, by package, in the same order."""
    return {package: import_module(f"{package}.domain").DOMAIN for package in packages}


def router(package: str, name: str) -> Any:  # noqa: ANN401 -- core knows no web framework
    """The router that a domain names: "pages" is `router` in the package's module `pages`."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(f"{package}.{module}"), attribute or "router")
