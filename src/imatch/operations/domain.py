"""Registers the endpoints for monitoring."""

from imatch.core.domains import Domain

DOMAIN = Domain(
    pages=("api",),
)
