"""Distribution of tests: one process runs all browser tests, the others take single tests."""

from xdist.scheduler import LoadScopeScheduling

PAGES = "tests/browser/"


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Starts with the browser tests, the largest share, so that they are not left to the end."""

    def _split_scope(self, nodeid: str) -> str:
        return PAGES if nodeid.startswith(PAGES) else nodeid
