"""Each block of the economy page as rows of a CSV file, with its header first."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from imatch.ledger.models import PotTransaction
from imatch.pot.economy.dashboard import Dashboard
from imatch.pot.economy.figures import Part
from imatch.pot.economy.health import Indicator
from imatch.pot.economy.view import WEEKDAYS, tiles

CsvRows = list[Sequence[object]]


def health_rows(indicators: Iterable[Indicator]) -> CsvRows:
    return [
        ("indicator", "value", "state", "threshold", "formula", "note"),
        *(
            (item.title, item.value, item.state, item.threshold, item.formula, item.note)
            for item in indicators
        ),
    ]


def _summary(dashboard: Dashboard, period: str) -> CsvRows:
    return [
        ("figure", "value", "before", "change", "compared"),
        *((t.title, t.value, t.before, t.change, t.than) for t in tiles(dashboard, period)),
    ]


def _flow(dashboard: Dashboard, _period: str) -> CsvRows:
    return [
        ("day", "earned", "spent", "burned", "redeemed", "transactions", "circulation"),
        *(
            (d.day, d.earned, d.spent, d.burned, d.redeemed, d.transactions, d.circulation)
            for d in dashboard.period.days
        ),
    ]


def _earning(dashboard: Dashboard, _period: str) -> CsvRows:
    return _parts(dashboard.earning)


def _spending(dashboard: Dashboard, _period: str) -> CsvRows:
    return _parts(dashboard.spending.parts)


def _parts(parts: Iterable[Part]) -> CsvRows:
    return [
        ("category", "title", "pot", "transactions", "share"),
        *((p.name, p.title, p.amount, p.count, f"{p.share:.4f}") for p in parts),
    ]


def _hours(dashboard: Dashboard, _period: str) -> CsvRows:
    weekdays = dashboard.spending.hours
    return [
        ("hour_utc", *WEEKDAYS),
        *((hour, *(hours[hour] for hours in weekdays)) for hour in range(24)),
    ]


def _latest(dashboard: Dashboard, _period: str) -> CsvRows:
    return [
        ("id", "time_utc", "type", "phase", "category", "user_id", "amount"),
        *(_transaction(row) for row in dashboard.latest),
    ]


def _transaction(row: PotTransaction) -> Sequence[object]:
    moment = f"{row.created_at:%Y-%m-%d %H:%M:%S}"
    return (row.id, moment, row.transaction_type, row.phase, row.category, row.user_id, row.amount)


FIGURES: Mapping[str, Callable[[Dashboard, str], CsvRows]] = {
    "summary": _summary,
    "flow": _flow,
    "earning": _earning,
    "spending": _spending,
    "hours": _hours,
    "latest": _latest,
}
