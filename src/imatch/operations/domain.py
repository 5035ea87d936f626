"""What the operation of the service bring to the program."""

from imatch.core.domains import Domain

DOMAIN = Domain(
    pages=("api",),
)
