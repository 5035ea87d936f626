"""After a kill at any moment, acknowledged movements are stored (a short `bench/faults`)."""

import pytest

from bench.faults.kill import run

pytestmark = pytest.mark.both_databases


def test_what_was_acknowledged_survives_kill_9(database_url: str) -> None:
    result = run(database_url, kills=3, audit_every=3)
    assert result.acknowledged > 0
    assert (result.lost, result.moved_again, result.findings) == (0, 0, 0)
