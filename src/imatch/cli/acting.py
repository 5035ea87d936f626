"""The option that names the acting operator, for commands that only operators may use."""

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
