"""Rules that a provider passes or fails for a need: facts, never scores. Unknown offers fail."""

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
    Holds,
    Mask,
    Nobody,
    Others,
    Reaches,
    ValidOn,
    WithinBudget,
)
from imatch.ranking.pool.columns import Frame
from imatch.ranking.pool.layout import SET_KINDS, UNKNOWN_FLAG, Layout, as_values
from imatch.ranking.pool.prices import Budget
from imatch.ranking.types import Left, Removed, StatedNeed

FEW_RULES = 15  # a need rarely has more: two bytes a provider are read sooner than eight


@dataclass(frozen=True, slots=True)
class Rule:
    """One gate of one need, ready to be put to every provider."""

    name: str
    label: str
    relaxable: bool
    condition: Condition


@dataclass(frozen=True, slots=True)
class Gated:
    """Who passes every rule, and what each rule does."""

    passes: Mask
    failures: NDArray[np.unsignedinteger]  # the lowest bit is set on dead rows, then one a rule
    left: Left
    names: tuple[str, ...]

    def passes_all_but(self, name: str, rows: NDArray[np.int64]) -> Mask:
        """Which of these rows no other rule than this keeps away."""
        own = 2 << self.names.index(name) if name in self.names else 0
        failures = self.failures[rows]
        others: Mask = (failures & ~failures.dtype.type(own)) == 0
        return others


def rules_of(layout: Layout, need: StatedNeed, today: date, exclude: frozenset[int]) -> list[Rule]:
    """The gates that this need brings into force."""
    rules = [Rule("has_room", "Takes new clients and has room", False, HasRoom())]
    rules += [
        Rule(gate.name, gate.label, gate.relaxable, test)
        for gate in layout.definition.gates
        if _in_force(gate, need) and (test := _defined(layout, gate, need, today))
    ]
    if exclude:
        rules.append(Rule("seen_before", "Not suggested to you before", True, Others(exclude)))
    rules += _common(layout, need)
    return rules


def gate(frame: Frame, rules: list[Rule]) -> Gated:
    """Put every rule to every live provider at once."""
    failing = [frame.failing(rule.condition) for rule in rules]
    # The limits of pages and gates of a definition leave no more than 63 rules.
    kind = np.uint16 if len(rules) <= FEW_RULES else np.uint64
    failures: NDArray[np.unsignedinteger] = frame.dead.astype(kind)
    shifted = np.empty_like(failures)
    for number, rows in enumerate(failing):
        np.multiply(rows.view(np.uint8), kind(2 << number), out=shifted)
        failures |= shifted
    passes = failures == 0
    counts = [_live_count(frame, rows) for rows in failing]
    left = _summary(failures, int(np.count_nonzero(passes)), frame.live_count, counts, rules)
    return Gated(passes, failures, left, tuple(rule.name for rule in rules))


def _live_count(frame: Frame, failing: Mask) -> int:
    everybody = frame.live_count == frame.size
    return int(np.count_nonzero(failing if everybody else failing & frame.live))


def _summary(
    failures: NDArray[np.unsignedinteger],
    left: int,
    total: int,
    counts: list[int],
    rules: list[Rule],
) -> Left:
    """What each rule does: how many fail it, and how many fail nothing else."""
    removed = []
    for number, (rule, count) in enumerate(zip(rules, counts, strict=True)):
        if count:
            alone = int(np.count_nonzero(failures == failures.dtype.type(2 << number)))
            removed.append(Removed(rule.name, rule.label, count, rule.relaxable, left + alone))
    removed.sort(key=lambda r: (-r.count, r.gate))
    return Left(left, total, tuple(removed))


def _in_force(gate: Gate, need: StatedNeed) -> bool:
    if gate.when is GateWhen.ALWAYS:
        return True
    answered = gate.seeker is not None and need.answer(gate.seeker) not in (None, False)
    return answered and (gate.when is GateWhen.ANSWERED or need.is_must(gate.seeker or ""))


def _defined(layout: Layout, gate: Gate, need: StatedNeed, today: date) -> Condition | None:
    """The test of a gate that the category's definition states."""
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
    return _holds(layout, gate.provider, values, every=gate.rule is GateRule.ALL_OF)


def _equals(layout: Layout, gate: Gate) -> Condition:
    if gate.provider in layout.sets:
        return _holds(layout, gate.provider, [str(gate.value)], every=True)
    wanted = UNKNOWN_FLAG - 1 if gate.value is None else int(bool(gate.value))
    return Equals(f"flag:{gate.provider}", wanted)


def _reaches(layout: Layout, gate: Gate, chosen: list[str]) -> Condition | None:
    place = layout.sets[gate.provider].positions.get(chosen[0]) if chosen else None
    if place is None:
        return None
    return Reaches(f"ordinal:{gate.provider}", place)


def _holds(layout: Layout, provider_field: str, values: list[Any], *, every: bool) -> Condition:
    """Providers whose set has one (or every) of the values; a value nobody can state fails all."""
    offered = layout.sets[provider_field]
    if every and any(value not in offered.positions for value in values):
        return Nobody()
    bits = offered.bits(value for value in values if isinstance(value, str))
    return Holds(f"set:{provider_field}", bits, every)


def _common(layout: Layout, need: StatedNeed) -> list[Rule]:
    """Rules that hold in every category: languages, format, budget, and fields marked a must."""
    covered = {gate.seeker for gate in layout.definition.gates}
    rules = []
    languages = as_values(need.answer("languages"))
    if languages and "languages" in layout.sets and "languages" not in covered:
        test = _holds(layout, "languages", languages, every=False)
        rules.append(Rule("languages", "Speaks a language of yours", True, test))
    for name, field in layout.definition.seeker.items():
        if name in covered or name == "languages" or not need.is_must(name):
            continue
        test_of_field = _must(layout, need, name, field.kind)
        if test_of_field is not None:
            label = _MUST_LABELS.get(name, f"{field.label}: your must")
            rules.append(Rule(name, label, True, test_of_field))
    return rules


_MUST_LABELS = {"format": "Meets the way you want", "budget": "Within your budget"}


def _must(layout: Layout, need: StatedNeed, name: str, kind: Kind) -> Condition | None:
    wanted = need.answer(name)
    if wanted is None:
        return None
    if kind is Kind.BUDGET:
        budget = Budget.of(wanted)
        if budget is None or not layout.price:
            return None
        return WithinBudget(budget.unit, budget.high_cents)
    if name == "format":
        offered = [v for v in as_values(wanted) if v in layout.formats.positions]
        return _holds(layout, "formats", offered, every=True) if offered else None
    provider_field = layout.counterpart(name) if kind in SET_KINDS else None
    if provider_field is None:
        return None
    return _holds(layout, provider_field, as_values(wanted), every=kind is Kind.TAGS)
