"""Findings of an audit: differences between stored values and those computed from rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

MAX_FINDINGS_KEPT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A difference. `row_id` is a journal row and `user_id` an account, if it is about one."""

    book: str
    problem: str
    expected: str
    found: str
    row_id: int | None = None
    user_id: int | None = None

    def __str__(self) -> str:
        row = f" row {self.row_id}" if self.row_id is not None else ""
        user = f" user {self.user_id}" if self.user_id is not None else ""
        return f"{self.book}{row}{user}: {self.problem}: {self.found} instead of {self.expected}"


@dataclass(slots=True)
class Findings:
    """Counts all findings and keeps the first `MAX_FINDINGS_KEPT`, to limit memory use."""

    book: str
    count: int = 0
    kept: list[Finding] = field(default_factory=list)

    def add(
        self,
        problem: str,
        *,
        expected: object,
        found: object,
        row_id: int | None = None,
        user_id: int | None = None,
    ) -> None:
        self.count += 1
        if len(self.kept) < MAX_FINDINGS_KEPT:
            self.kept.append(
                Finding(
                    book=self.book,
                    problem=problem,
                    expected=str(expected),
                    found=str(found),
                    row_id=row_id,
                    user_id=user_id,
                )
            )

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Turn any error in the block into a finding: stored values may be arbitrary."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 -- an audit must end with a result
            message, *_ = str(getattr(error, "orig", None) or error).splitlines() or [""]
            self.add(
                what,
                expected="readable",
                found=f"could not be read: {type(error).__name__}: {message}",
            )

    def join(self, other: "Findings") -> None:
        self.count += other.count
        self.kept = (self.kept + other.kept)[:MAX_FINDINGS_KEPT]
