"""A worker knows every job, also one whose module nothing else imports."""

import re
import subprocess
import sys
from pathlib import Path

import imatch

_LISTING = (
    "import imatch.cli.worker; from imatch.jobs.registry import all_jobs;"
    "print(*(job.name for job in all_jobs()))"
)


def test_the_worker_imports_the_module_of_every_job() -> None:
    source = Path(imatch.__file__).parent
    written = {
        name
        for path in source.rglob("*.py")
        if path.parent.name != "jobs" or path.name == "pruning.py"
        for name in re.findall(r'^@job\(\s*"([^"]+)"', path.read_text("utf-8"), re.MULTILINE)
    }
    listed = subprocess.run(
        [sys.executable, "-c", _LISTING], capture_output=True, text=True, check=True
    )
    assert {"deliver_mail", "prune_jobs"} <= written
    assert set(listed.stdout.split()) == written
