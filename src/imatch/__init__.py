"""I MATCH: a marketplace that matches people with professionals, and shows why."""

from importlib.metadata import version

from imatch.core.database import SessionLocal, atomic

__version__ = version("imatch")
__all__ = ["SessionLocal", "__version__", "atomic"]
