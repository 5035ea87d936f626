"""How tests are shared out: one process walks all pages, the others take single tests."""

from xdist.scheduler import LoadScopeScheduling

PAGES = "tests/browser/"


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """The largest share is handed out first, so that nobody waits for the pages at the end."""

    def _split_scope(self, nodeid: str) -> str:
        return PAGES if nodeid.startswith(PAGES) else nodeid
