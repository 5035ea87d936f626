"""I MATCH: a marketplace that matches people with professionals, and shows why."""

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

from imatch.core.database import SessionLocal, atomic

if TYPE_CHECKING:
    from imatch.pot.service import POTService

__version__ = metadata.version("imatch")
__all__ = ["POTService", "SessionLocal", "__version__", "atomic"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 -- any attribute
    """Find POTService when it is first asked for: `import imatch` loads no domain."""
    if name == "POTService":
        return import_module("imatch.pot.service").POTService
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
