"""`imatch …` with settings: exit code, output and errors."""

from collections.abc import Callable

RunWith = Callable[..., tuple[int, str, str]]
