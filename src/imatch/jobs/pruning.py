"""Forget finished jobs, so that the list of work stays short."""

from datetime import datetime, timedelta

from dbos import DBOSClient

from imatch.core.clock import now
from imatch.core.database import engine
from imatch.jobs import store
from imatch.jobs.queue import WAITING
from imatch.jobs.registry import job
from imatch.jobs.store import JobStatus

KEPT_DAYS = 7
_BATCH = 500


@job("prune_jobs", cron="17 3 * * *")
def prune_jobs() -> None:
    """Delete jobs that ended more than KEPT_DAYS ago. Their keys may be used again from then."""
    engine_store = store.make_engine_store(engine())
    try:
        _prune(store.make_client(engine_store), now() - timedelta(days=KEPT_DAYS))
    finally:
        engine_store.dispose()


def _prune(client: DBOSClient, before: datetime) -> None:
    while ended := client.list_workflows(
        status=[str(status) for status in JobStatus if status not in WAITING],
        completed_before=before.isoformat(),
        limit=_BATCH,
        load_input=False,
        load_output=False,
    ):
        client.delete_workflows([workflow.workflow_id for workflow in ended])
