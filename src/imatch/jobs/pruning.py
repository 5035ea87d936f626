"""Delete finished jobs after a while, to keep the table small."""

from datetime import datetime, timedelta

from dbos import DBOSClient

from imatch.core.clock import now
from imatch.core.database import engine
from imatch.jobs import store
from imatch.jobs.queue import WAITING_STATES
from imatch.jobs.registry import job
from imatch.jobs.store import JobStatus

RETENTION_DAYS = 7
_BATCH_SIZE = 500


@job("prune_jobs", cron="17 3 * * *")
def prune_jobs() -> None:
    """Delete jobs that ended more than RETENTION_DAYS ago. Their keys can then be used again."""
    engine_store = store.make_engine_store(engine())
    try:
        _prune(store.make_client(engine_store), now() - timedelta(days=RETENTION_DAYS))
    finally:
        engine_store.dispose()


def _prune(client: DBOSClient, before: datetime) -> None:
    while workflows := client.list_workflows(
        status=[str(status) for status in JobStatus if status not in WAITING_STATES],
        completed_before=before.isoformat(),
        limit=_BATCH_SIZE,
        load_input=False,
        load_output=False,
    ):
        client.delete_workflows([workflow.workflow_id for workflow in workflows])
