"""Register the intake's pages."""

from imatch.core.domains import Domain

DOMAIN = Domain(
    pages=("home", "pages", "pages:walk", "check"),
)
