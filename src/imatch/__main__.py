"""`python -m imatch` is the `imatch` command."""

from imatch.cli import main

main()
