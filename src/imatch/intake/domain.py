"""What the intake's pages bring to the program."""

from imatch.core.domains import Domain

DOMAIN = Domain(
    pages=("home", "pages", "pages:walk", "check"),
)
