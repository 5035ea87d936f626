"""Work through a list so that one thing that fails stops none of the others."""

import traceback
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from imatch.core.database import atomic
from imatch.core.logs import log


class SomeFailed(Exception):
    """Raised after the last one, so that the job counts as failed; the log names each."""


def one_by_one(db: Session, kind: str, ids: Sequence[int], act: Callable[[int], object]) -> int:
    """Call `act(id)` for each in a transaction of its own, until one answers False.

    Returns how many were done. What fails is undone and logged; raises SomeFailed at the end.
    """
    done, failed = 0, 0
    for one in ids:
        try:
            with atomic(db), db.begin_nested():
                more = act(one)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the others are not to blame
            failed += 1
            last = traceback.extract_tb(error.__traceback__)[-1]
            log().error(
                "job_item_failed",
                kind=kind,
                id=one,
                error=type(error).__name__,
                at=f"{last.filename}:{last.lineno}",
            )
            continue
        if more is False:
            break
        done += 1
    if failed:
        raise SomeFailed(f"{failed} of kind {kind} failed")
    return done
