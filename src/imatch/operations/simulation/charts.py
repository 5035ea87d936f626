"""Line charts of a simulation by week, as self-contained SVG files."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from imatch.operations.simulation.measures import SimulationResult
from imatch.web import formats

_WIDTH, _HEIGHT = 720, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 36, 64, 36
_OPENING = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    ' font-family="system-ui, sans-serif" font-size="12" role="img">'
)
_COLOURS = ("#1d4ed8", "#b45309", "#047857", "#be123c")
_DASHES = ("none", "6 3", "2 3", "8 3 2 3")  # lines differ without colour too
_TICKS = 5
_WEEKS_PER_QUARTER = 13


@dataclass(frozen=True, slots=True)
class Series:
    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """A line chart over weeks; `unit` labels the vertical axis."""

    name: str  # of the file
    title: str
    unit: str
    lines: Sequence[Series]

    def svg(self) -> str:
        """The chart as an SVG document, readable on light and dark pages."""
        values = [value for line in self.lines for value in line.values if value is not None]
        step = _step(min([0.0, *values]), max([0.0, *values]))
        low = math.floor(min([0.0, *values]) / step) * step
        high = max(math.ceil(max([0.0, *values]) / step), 0 if values and low < 0 else 1) * step
        heading = f"{escape(self.title)} ({escape(self.unit)})"
        parts = [
            _OPENING,
            f"<title>{heading}</title>",
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
            f'<text x="{_LEFT}" y="22" font-size="15" fill="#111827">{heading}</text>',
            *self._legend(),
            *self._grid(low, high, step),
            *self._lines(low, high),
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def _legend(self) -> list[str]:
        parts = []
        for number, line in enumerate(self.lines):
            x = _LEFT + number * 160
            parts.append(_stroke(f"M{x} 42h22", number))
            parts.append(f'<text x="{x + 28}" y="46" fill="#374151">{escape(line.name)}</text>')
        return parts

    def _grid(self, low: float, high: float, step: float) -> list[str]:
        parts = []
        for tick in range(round((high - low) / step) + 1):
            value = low + tick * step
            y = _y(value, low, high)
            parts.append(f'<path d="M{_LEFT} {y}H{_WIDTH - _RIGHT}" stroke="#e5e7eb"/>')
            parts.append(
                f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end" fill="#4b5563">'
                f"{formats.number(value, 0 if step >= 1 else 2)}</text>"
            )
        parts.extend(
            f'<text x="{self._x(week)}" y="{_HEIGHT - 14}" text-anchor="middle"'
            f' fill="#4b5563">week {week}</text>'
            for week in range(0, self._weeks + 1, _WEEKS_PER_QUARTER)
        )
        return parts

    def _lines(self, low: float, high: float) -> list[str]:
        parts = []
        for number, line in enumerate(self.lines):
            path, pen = [], "M"
            for week, value in enumerate(line.values, start=1):
                if value is None:
                    pen = "M"
                    continue
                path.append(f"{pen}{self._x(week)} {_y(value, low, high)}")
                pen = "L"
            if path:
                parts.append(_stroke("".join(path), number))
        return parts

    @property
    def _weeks(self) -> int:
        return max((len(line.values) for line in self.lines), default=1) or 1

    def _x(self, week: int) -> float:
        return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * week / self._weeks, 1)


def charts(result: SimulationResult) -> list[Chart]:
    """The four charts of the documentation."""
    weeks = result.weeks
    million = 1_000_000
    return [
        Chart(
            "supply",
            "All POT, and where they are",
            "million POT",
            [
                Series("supply", [week.supply / million for week in weeks]),
                Series("10 % a year", [week.target / million for week in weeks]),
                Series("treasury", [week.treasury / million for week in weeks]),
                Series("people", [week.people / million for week in weeks]),
            ],
        ),
        Chart(
            "awards",
            "Budgeted awards and the queue",
            "POT",
            [
                Series("budget a week", [week.budget for week in weeks]),
                Series("awarded in the week", [week.awarded for week in weeks]),
                Series("waiting in the queue", [week.queued for week in weeks]),
            ],
        ),
        Chart(
            "reserve",
            "Reserve, what people may redeem, what was paid",
            "thousand dollars",
            [
                Series("reserve", [week.reserve_cents / 100_000 for week in weeks]),
                Series("allowances", [week.allowances_cents / 100_000 for week in weeks]),
                Series("paid out so far", [week.paid_out_cents / 100_000 for week in weeks]),
            ],
        ),
        Chart(
            "attackers",
            "Attackers' cash: redeemed less commission",
            "thousand dollars",
            [Series("net cash so far", [week.attackers_net_cents / 100_000 for week in weeks])],
        ),
    ]


def _y(value: float, low: float, high: float) -> float:
    share = (value - low) / ((high - low) or 1)
    return round(_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share, 1)


def _stroke(path: str, number: int) -> str:
    colour, dash = _COLOURS[number % len(_COLOURS)], _DASHES[number % len(_DASHES)]
    return (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"'
        f' stroke-dasharray="{dash}"/>'
    )


def _step(low: float, high: float) -> float:
    """The grid step, 1, 2 or 5 times a power of ten, for about _TICKS grid lines."""
    spacing = (high - low) / _TICKS or 1
    unit = math.pow(10, math.floor(math.log10(spacing)))
    return next((unit * factor for factor in (1, 2, 5) if unit * factor >= spacing), 10 * unit)
