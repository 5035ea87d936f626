"""Gates: rules that a provider passes or fails for a need. A provider with unknown values fails."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imatch.categories.schemas import Gate, GateRule, GateWhen, Kind
from imatch.ranking.gates.conditions import (
    Condition,
    Equals,
    HasRoom,
    HasValues,
    Mask,
    NobodyPasses,
    NotExcluded,
    Reaches,
    ValidOn,
    WithinBudget,
)
from imatch.ranking.pool.layout import SET_KINDS, UNKNOWN_FLAG, Layout, as_values
from imatch.ranking.pool.prices import Budget
from imatch.ranking.pool.snapshots import Snapshot
from imatch.ranking.types import GateEffect, PoolCount, StatedNeed

MAX_16_BIT_GATES = 15  # with few gates, two bytes a row are faster to read than eight


@dataclass(frozen=True, slots=True)
class ActiveGate:
    """One gate of one need, with the condition that providers must satisfy."""

    name: str
    label: str
    relaxable: bool
    condition: Condition


@dataclass(frozen=True, slots=True)
class GateResult:
    """Which rows pass every gate, and how many providers each gate removes."""

    passes: Mask  # shape (rows,)
    failures: NDArray[np.unsignedinteger]  # bit 0: removed row; bit n + 1: fails gate n
    count: PoolCount
    names: tuple[str, ...]

    def passes_all_but(self, name: str, rows: NDArray[np.int64]) -> Mask:
        """Which of these rows fail no gate other than `name`."""
        own_bit = 2 << self.names.index(name) if name in self.names else 0
        failures = self.failures[rows]
        passes: Mask = (failures & ~failures.dtype.type(own_bit)) == 0
        return passes


def active_gates(
    layout: Layout, need: StatedNeed, today: date, exclude: frozenset[int]
) -> list[ActiveGate]:
    """The gates that apply to this need."""
    gates = [ActiveGate("has_room", "Takes new clients and has room", False, HasRoom())]
    gates += [
        ActiveGate(gate.name, gate.label, gate.relaxable, condition)
        for gate in layout.definition.gates
        if _is_active(gate, need) and (condition := _defined_condition(layout, gate, need, today))
    ]
    if exclude:
        gates.append(
            ActiveGate("seen_before", "Not suggested to you before", True, NotExcluded(exclude))
        )
    gates += _common_gates(layout, need)
    return gates


def apply_gates(snapshot: Snapshot, gates: list[ActiveGate]) -> GateResult:
    """Evaluate all gates for all rows."""
    failing = [snapshot.failing(gate.condition) for gate in gates]
    # The limits of pages and gates in a definition allow at most 63 gates.
    kind = np.uint16 if len(gates) <= MAX_16_BIT_GATES else np.uint64
    failures: NDArray[np.unsignedinteger] = snapshot.dead.astype(kind)
    shifted = np.empty_like(failures)
    for index, fails in enumerate(failing):
        np.multiply(fails.view(np.uint8), kind(2 << index), out=shifted)
        failures |= shifted
    passes = failures == 0
    counts = [_count_live(snapshot, fails) for fails in failing]
    count = _summary(failures, int(np.count_nonzero(passes)), snapshot.live_count, counts, gates)
    return GateResult(passes, failures, count, tuple(gate.name for gate in gates))


def _count_live(snapshot: Snapshot, failing: Mask) -> int:
    all_live = snapshot.live_count == snapshot.size
    return int(np.count_nonzero(failing if all_live else failing & snapshot.live))


def _summary(
    failures: NDArray[np.unsignedinteger],
    passed: int,
    total: int,
    counts: list[int],
    gates: list[ActiveGate],
) -> PoolCount:
    """How many live providers fail each gate, and how many fail only that gate."""
    effects = []
    for index, (gate, count) in enumerate(zip(gates, counts, strict=True)):
        if count:
            only_this = int(np.count_nonzero(failures == failures.dtype.type(2 << index)))
            effects.append(
                GateEffect(gate.name, gate.label, count, gate.relaxable, passed + only_this)
            )
    effects.sort(key=lambda effect: (-effect.count, effect.gate))
    return PoolCount(passed, total, tuple(effects))


def _is_active(gate: Gate, need: StatedNeed) -> bool:
    if gate.when is GateWhen.ALWAYS:
        return True
    answered = gate.seeker is not None and need.answer(gate.seeker) not in (None, False)
    return answered and (gate.when is GateWhen.ANSWERED or need.is_must(gate.seeker or ""))


def _defined_condition(
    layout: Layout, gate: Gate, need: StatedNeed, today: date
) -> Condition | None:
    """The condition of a gate from the category's definition; None if it does not apply."""
    wanted = need.answer(gate.seeker) if gate.seeker else None
    if gate.rule is GateRule.VALID:
        return ValidOn(f"date:{gate.provider}", today.toordinal())
    if gate.rule is GateRule.IS:
        return _equals(layout, gate)
    if wanted is None:
        return None
    if gate.rule is GateRule.REACHES:
        return _reaches(layout, gate, as_values(wanted))
    values = [wanted.get("region")] if isinstance(wanted, Mapping) else as_values(wanted)
    if gate.rule is GateRule.REGION and not any(values):
        return None
    return _has_values(layout, gate.provider, values, every=gate.rule is GateRule.ALL_OF)


def _equals(layout: Layout, gate: Gate) -> Condition:
    if gate.provider in layout.sets:
        return _has_values(layout, gate.provider, [str(gate.value)], every=True)
    wanted = UNKNOWN_FLAG - 1 if gate.value is None else int(bool(gate.value))
    return Equals(f"flag:{gate.provider}", wanted)


def _reaches(layout: Layout, gate: Gate, chosen: list[str]) -> Condition | None:
    position = layout.sets[gate.provider].positions.get(chosen[0]) if chosen else None
    if position is None:
        return None
    return Reaches(f"ordinal:{gate.provider}", position)


def _has_values(
    layout: Layout, provider_field: str, values: list[Any], *, every: bool
) -> Condition:
    """Providers that state any (or every) of the values."""
    offered = layout.sets[provider_field]
    if every and any(value not in offered.positions for value in values):
        return NobodyPasses()
    bits = offered.bits(value for value in values if isinstance(value, str))
    return HasValues(f"set:{provider_field}", bits, every)


def _common_gates(layout: Layout, need: StatedNeed) -> list[ActiveGate]:
    """The gates of every category: languages, and fields that the seeker marked as a must."""
    covered = {gate.seeker for gate in layout.definition.gates}
    gates = []
    languages = as_values(need.answer("languages"))
    if languages and "languages" in layout.sets and "languages" not in covered:
        condition = _has_values(layout, "languages", languages, every=False)
        gates.append(ActiveGate("languages", "Speaks a language of yours", True, condition))
    for name, field in layout.definition.seeker.items():
        if name in covered or name == "languages" or not need.is_must(name):
            continue
        must = _must_condition(layout, need, name, field.kind)
        if must is not None:
            label = _MUST_LABELS.get(name, f"{field.label}: your must")
            gates.append(ActiveGate(name, label, True, must))
    return gates


_MUST_LABELS = {"format": "Meets the way you want", "budget": "Within your budget"}


def _must_condition(layout: Layout, need: StatedNeed, name: str, kind: Kind) -> Condition | None:
    wanted = need.answer(name)
    if wanted is None:
        return None
    if kind is Kind.BUDGET:
        budget = Budget.of(wanted)
        if budget is None or not layout.price:
            return None
        return WithinBudget(budget.unit, budget.high_cents)
    if name == "format":
        offered = [value for value in as_values(wanted) if value in layout.formats.positions]
        return _has_values(layout, "formats", offered, every=True) if offered else None
    provider_field = layout.counterpart(name) if kind in SET_KINDS else None
    if provider_field is None:
        return None
    return _has_values(layout, provider_field, as_values(wanted), every=kind is Kind.TAGS)
