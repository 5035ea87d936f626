"""What an audit finds: where the database says something else than its own rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

MOST_KEPT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`row_id` is the journal's row and `user_id` the account, where it is one of these."""

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
    """All are counted, the first `MOST_KEPT` are kept: a ruined book must not fill the memory."""

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
        if len(self.kept) < MOST_KEPT:
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
        """Whatever keeps an audit from reading is a finding: somebody may have written anything."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 -- an audit must end with a result
            why, *_ = str(getattr(error, "orig", None) or error).splitlines() or [""]
            self.add(
                what,
                expected="readable",
                found=f"could not be read: {type(error).__name__}: {why}",
            )

    def join(self, other: "Findings") -> None:
        self.count += other.count
        self.kept = (self.kept + other.kept)[:MOST_KEPT]
