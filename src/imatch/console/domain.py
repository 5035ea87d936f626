"""What the operators' pages bring to the program."""

from imatch.core.domains import Domain

DOMAIN = Domain(
    pages=("pages",),
)
