"""The only module that knows every other one: who listens to which fact."""


def wire() -> None:
    """Connect listeners to facts. Calling it again changes nothing."""
