"""Register the console domain."""

from imatch.core.domains import Domain

DOMAIN = Domain(
    pages=("pages",),
)
