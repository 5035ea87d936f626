"""Process a list so that a failing item does not stop the others."""

import traceback
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from imatch.core.database import atomic
from imatch.core.logs import log


class ItemsFailed(Exception):
    """Some items failed; the log names each. Raised after the last item, so that the job fails."""


def run_each(db: Session, kind: str, ids: Sequence[int], action: Callable[[int], object]) -> int:
    """Call `action(id)` for each id in its own transaction, until one returns False.

    Returns how many succeeded. A failing item is rolled back and logged. Raises ItemsFailed after
    the last item if any failed.
    """
    done, failed = 0, 0
    for item_id in ids:
        try:
            with atomic(db), db.begin_nested():
                result = action(item_id)
        except Exception as error:  # noqa: BLE001 -- no error may stop the other items
            failed += 1
            frame = traceback.extract_tb(error.__traceback__)[-1]
            log().error(
                "job_item_failed",
                kind=kind,
                id=item_id,
                error=type(error).__name__,
                at=f"{frame.filename}:{frame.lineno}",
            )
            continue
        if result is False:
            break
        done += 1
    if failed:
        raise ItemsFailed(f"{failed} of kind {kind} failed")
    return done
