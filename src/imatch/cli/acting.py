"""Who acts: the option of commands that only an operator may use, or that need two of them."""

from typing import Annotated

import typer

ActingOption = Annotated[
    str,
    typer.Option(
        "--as",
        help="Who acts: an operator's id or e-mail address. Recorded, not proven:"
        " whoever has this shell can name anybody.",
    ),
]
