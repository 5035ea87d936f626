"""Which jobs exist: their names, how often they are tried, and when they run by themselves."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, ParamSpec

Arguments = ParamSpec("Arguments")

_BACKOFF_FACTOR = 3
_LONGEST_DELAY_SECONDS = 60 * 60


@dataclass(frozen=True, slots=True)
class Job(Generic[Arguments]):
    """A function that a worker calls with JSON values; calling the job calls it here and now."""

    name: str
    function: Callable[Arguments, None]
    attempts: int
    first_delay_seconds: int
    cron: str | None

    def __call__(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        self.function(*args, **kwargs)

    def delay_seconds(self, failed_attempt: int) -> int:
        """How long to wait after this failure: three times longer each time, an hour at most."""
        delay: int = self.first_delay_seconds * _BACKOFF_FACTOR ** (failed_attempt - 1)
        return min(delay, _LONGEST_DELAY_SECONDS)


_jobs: dict[str, Job[...]] = {}


def job(
    name: str, *, attempts: int = 8, first_delay_seconds: int = 10, cron: str | None = None
) -> Callable[[Callable[Arguments, None]], Job[Arguments]]:
    """Register a function as a job. With `cron` (in UTC) it also runs on that schedule.

    The name is stored with waiting work: renaming a job strands what was enqueued under the old
    name.
    """

    def register(function: Callable[Arguments, None]) -> Job[Arguments]:
        if name in _jobs:
            raise ValueError(f"two jobs are named {name!r}")
        registered = Job(name, function, attempts, first_delay_seconds, cron)
        _jobs[name] = registered
        return registered

    return register


def all_jobs() -> tuple[Job[...], ...]:
    return tuple(_jobs.values())
