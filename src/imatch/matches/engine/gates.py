"""Rules that a provider passes or fails for a need: facts, never scores. Unknown offers fail."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imatch.categories.schemas import Gate, GateRule, GateWhen, Kind
from imatch.matches.engine.layout import (
    SET_KINDS,
    UNKNOWN_FLAG,
    UNKNOWN_ORDINAL,
    Layout,
    as_values,
    has_bits,
)
from imatch.matches.engine.prices import Budget
from imatch.matches.engine.store import Frame
from imatch.matches.engine.types import Left, Need, Removed

Mask = NDArray[np.bool_]
MANY = 20  # excluded people, beyond which one sorted look-up is quicker than a pass for each
MOST_RULES = 16


@dataclass(frozen=True, slots=True)
class Rule:
    """One gate of one need, ready to be put to every provider."""

    name: str
    label: str
    relaxable: bool
    passes: Callable[[Frame], Mask]


@dataclass(frozen=True, slots=True)
class Gated:
    """Who passes every rule, and what each rule does."""

    passes: Mask
    failures: NDArray[np.uint16]  # bit r is set where rule r fails; live rows only are meaningful
    left: Left
    names: tuple[str, ...]

    def bit_of(self, name: str) -> int | None:
        return self.names.index(name) if name in self.names else None


def rules_of(layout: Layout, need: Need, today: date, exclude: frozenset[int]) -> list[Rule]:
    """The gates that this need brings into force."""
    rules = [Rule("has_room", "Takes new clients and has room", False, lambda f: f.has_room)]
    rules += [
        Rule(gate.name, gate.label, gate.relaxable, test)
        for gate in layout.definition.gates
        if _in_force(gate, need) and (test := _defined(layout, gate, need, today))
    ]
    if exclude:
        rules.append(Rule("seen_before", "Not suggested to you before", True, _others(exclude)))
    rules += _common(layout, need)
    return rules[:MOST_RULES]


def gate(frame: Frame, rules: list[Rule]) -> Gated:
    """Put every rule to every live provider at once."""
    failures = np.zeros(frame.size, np.uint16)
    for bit, rule in enumerate(rules):
        failures |= (~rule.passes(frame)).astype(np.uint16) << np.uint16(bit)
    passes = (failures == 0) & frame.live
    counts = np.bincount(failures[frame.live], minlength=1)
    return Gated(passes, failures, _summary(counts, rules), tuple(rule.name for rule in rules))


def _summary(counts: NDArray[np.intp], rules: list[Rule]) -> Left:
    """From how many providers fail each combination of rules, what each rule does."""
    combinations = np.flatnonzero(counts)
    left = int(counts[0])
    removed = []
    for bit, rule in enumerate(rules):
        failing = combinations[(combinations >> bit) & 1 == 1]
        count = int(counts[failing].sum())
        alone = int(counts[1 << bit]) if 1 << bit < len(counts) else 0
        if count:
            removed.append(Removed(rule.name, rule.label, count, rule.relaxable, left + alone))
    removed.sort(key=lambda r: (-r.count, r.gate))
    return Left(left, int(counts.sum()), tuple(removed))


def _in_force(gate: Gate, need: Need) -> bool:
    if gate.when is GateWhen.ALWAYS:
        return True
    answered = gate.seeker is not None and need.answer(gate.seeker) not in (None, False)
    return answered and (gate.when is GateWhen.ANSWERED or need.is_must(gate.seeker or ""))


def _defined(layout: Layout, gate: Gate, need: Need, today: date) -> Callable[[Frame], Mask] | None:
    """The test of a gate that the category's definition states."""
    wanted = need.answer(gate.seeker) if gate.seeker else None
    if gate.rule is GateRule.VALID:
        return lambda f: f.columns[f"date:{gate.provider}"] >= today.toordinal()
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


def _equals(layout: Layout, gate: Gate) -> Callable[[Frame], Mask]:
    if gate.provider in layout.sets:
        return _holds(layout, gate.provider, [str(gate.value)], every=True)
    wanted = UNKNOWN_FLAG - 1 if gate.value is None else int(bool(gate.value))
    return lambda f: f.columns[f"flag:{gate.provider}"] == wanted


def _reaches(layout: Layout, gate: Gate, chosen: list[str]) -> Callable[[Frame], Mask] | None:
    place = layout.sets[gate.provider].positions.get(chosen[0]) if chosen else None
    if place is None:
        return None
    column = f"ordinal:{gate.provider}"
    return lambda f: (f.columns[column] <= place) & (f.columns[column] != UNKNOWN_ORDINAL)


def _holds(
    layout: Layout, provider_field: str, values: list[Any], *, every: bool
) -> Callable[[Frame], Mask]:
    """Providers whose set has one (or every) of the values; a value nobody can state fails all."""
    mask = layout.sets[provider_field].mask(v for v in values if isinstance(v, str))
    stateable = [v for v in values if v in layout.sets[provider_field].positions]
    if every and len(stateable) < len(values):
        return lambda f: np.zeros(f.size, np.bool_)
    return lambda f: has_bits(f.columns[f"set:{provider_field}"], mask, every=every)


def _others(exclude: frozenset[int]) -> Callable[[Frame], Mask]:
    def passes(frame: Frame) -> Mask:
        ids = frame.columns["id"]
        if len(exclude) > MANY:
            return ~np.isin(ids, np.fromiter(exclude, np.int64, len(exclude)))
        found = np.ones(len(ids), np.bool_)
        for provider_id in exclude:
            found &= ids != provider_id
        return found

    return passes


def _common(layout: Layout, need: Need) -> list[Rule]:
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


def _must(layout: Layout, need: Need, name: str, kind: Kind) -> Callable[[Frame], Mask] | None:
    wanted = need.answer(name)
    if wanted is None:
        return None
    if kind is Kind.BUDGET:
        budget = Budget.of(wanted)
        if budget is None or not layout.price:
            return None
        return lambda f: f.prices_in(budget.unit) <= budget.high_cents
    if name == "format":
        offered = [v for v in as_values(wanted) if v in layout.formats.positions]
        return _holds(layout, "formats", offered, every=True) if offered else None
    provider_field = layout.counterpart(name) if kind in SET_KINDS else None
    if provider_field is None:
        return None
    return _holds(layout, provider_field, as_values(wanted), every=kind is Kind.TAGS)
