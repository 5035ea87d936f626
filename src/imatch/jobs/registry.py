"""The registry of jobs: names, attempts, schedules."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, ParamSpec

Arguments = ParamSpec("Arguments")

_BACKOFF_FACTOR = 3
_MAX_DELAY_SECONDS = 60 * 60


@dataclass(frozen=True, slots=True)
class Job(Generic[Arguments]):
    """A function that a worker calls with JSON values. Calling the job runs it directly."""

    name: str
    function: Callable[Arguments, None]
    attempts: int
    first_delay_seconds: int
    cron: str | None

    def __call__(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        self.function(*args, **kwargs)

    def delay_seconds(self, failed_attempt: int) -> int:
        """The delay after this failed attempt: tripled each time, at most an hour."""
        delay: int = self.first_delay_seconds * _BACKOFF_FACTOR ** (failed_attempt - 1)
        return min(delay, _MAX_DELAY_SECONDS)


_jobs: dict[str, Job[...]] = {}


def job(
    name: str, *, attempts: int = 8, first_delay_seconds: int = 10, cron: str | None = None
) -> Callable[[Callable[Arguments, None]], Job[Arguments]]:
    """Register a function as a job. With `cron` (in UTC) it also runs on that schedule.

    The name is stored with enqueued jobs. After a rename, jobs under the old name never run.
    Raises ValueError if the name is taken.
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
