"""One reason for each kind of criterion: what was wanted beside its fact, or None."""

from collections.abc import Mapping

from imatch.ranking.explaining.provider_facts import Facts
from imatch.ranking.explaining.wording import (
    distance,
    hours,
    listed,
    lower_first,
    price_range,
)
from imatch.ranking.text.stems import words_of
from imatch.ranking.types import CriterionScore, Reason
from imatch.web.formats import number, plural

MOST_NAMED = 3
QUOTED_WORDS = 4
LEAST_SHARE = 0.3  # of the weight of the strongest shared word


def expertise(facts: Facts, line: CriterionScore) -> Reason | None:
    """Wanted topics they name, else the words they share; years and requests like it beside."""
    offered = [lower_first(label) for label in facts.offered(line.name)][:MOST_NAMED]
    more = _practice(facts, line)
    if offered:
        said = f"Names {listed(offered)} among their topics"
        return _reason(facts, line, f"You asked for {listed(offered)}", "; ".join([said, *more]))
    shared = _shared(facts, facts.asked.need.text, facts.asked.telling)
    if shared:
        said = f"Their own words speak of {listed(shared)}"
        return _reason(facts, line, f"You wrote about {listed(shared)}", "; ".join([said, *more]))
    if more:
        return _reason(
            facts, line, "You look for experience with this", "; ".join(more).capitalize()
        )
    return None


def overlap(facts: Facts, line: CriterionScore) -> Reason | None:
    offered = [lower_first(label) for label in facts.offered(line.name)][:MOST_NAMED]
    if not offered:
        return None
    return _reason(
        facts, line, f"You asked for {listed(offered)}", f"Says of themselves: {listed(offered)}"
    )


def style(facts: Facts, line: CriterionScore) -> Reason | None:
    """The scale on which both lean to the same side, the furthest."""
    offered = facts.styles
    same = [
        (min(abs(wanted), abs(offered[scale])), -scale, wanted)
        for scale, wanted in facts.asked.style.items()
        if wanted * offered.get(scale, 0) > 0
    ]
    if not same:
        return None
    _, scale, wanted = max(same)
    ends = facts.asked.layout.definition.style_scales[-scale]
    end = lower_first(ends.low if wanted < 0 else ends.high)
    return _reason(
        facts,
        line,
        f"You like to be worked with this way: {end}",
        f"Says they work the same way: {end}",
    )


def logistics(facts: Facts, line: CriterionScore) -> Reason | None:
    asked, km = facts.asked, facts.km
    if (
        asked.format != "remote"
        and facts.meets("in_person")
        and km is not None
        and line.parts.get("place", 0) > 0
    ):
        where = f"Meets in person in {facts.city}" if facts.city else "Meets in person"
        want = (
            "You prefer to meet in person" if asked.format == "in_person" else "You gave your place"
        )
        if km <= _WORTH_A_TRIP_KM:
            return _reason(facts, line, want, f"{where}, {distance(km)}")
    if asked.format == "remote" and facts.meets("remote"):
        return _reason(
            facts, line, "You want to meet online or by phone", "Works online or by phone"
        )
    shared = facts.shared_windows
    if shared:
        times = listed(shared[:MOST_NAMED])
        if facts.other_clock:
            said = f"Offers {times} by their clock, which meets your times by yours"
            return _reason(facts, line, "You gave times that suit you", said)
        offer = f"Offers {times}" + (" by their clock" if facts.unknown_clock else "")
        return _reason(facts, line, f"{times} would suit you", offer)
    if facts.response_hours is not None and asked.urgency in {"immediate", "this_week"}:
        return _measured(
            facts,
            line,
            "You need someone soon",
            f"Usually answers within {hours(facts.response_hours)}",
        )
    if asked.need.answer("format") == "either" and facts.meets("remote"):
        return _reason(facts, line, "Online is fine for you", "Works online or by phone")
    return None


def pricing(facts: Facts, line: CriterionScore) -> Reason | None:
    budget, price = facts.asked.budget, facts.price
    if budget is None or price is None or line.score < 1:
        return None
    want = f"Your budget is {price_range(budget.low_cents, budget.high_cents, budget.unit)}"
    return _reason(facts, line, want, f"Charges {price_range(*price)}")


def track_record(facts: Facts, line: CriterionScore) -> Reason | None:
    said = []
    if facts.mean_rating is not None:
        ratings = plural(facts.count("rating_count"), "rating")
        said.append(f"Rated {number(facts.mean_rating, 1)} of 5 from {ratings}")
    if facts.count("completed"):
        said.append(f"{plural(facts.count('completed'), 'engagement')} completed")
    if facts.count("repeat"):
        said.append(f"{plural(facts.count('repeat'), 'client')} came back")
    return _measured(facts, line, "What others found", "; ".join(said)) if said else None


def certification(facts: Facts, line: CriterionScore) -> Reason | None:
    """Asked-for designations first; otherwise those that an operator checked."""
    wanted, verified = facts.offered(line.name), facts.credentials(verified=True)
    if wanted:
        return _reason(
            facts,
            line,
            f"You look for {listed(wanted)}",
            f"States {listed(wanted)}; {_how_far_checked(wanted, facts.checked(line.name))}",
        )
    if verified:
        said = f"{listed(verified[:MOST_NAMED])}: checked by I MATCH"
        return Reason(line.name, "Credentials that were checked", said, facts.checked_on)
    return None


def _how_far_checked(stated: list[str], checked: list[str]) -> str:
    if not checked:
        return "not checked yet"
    if len(checked) < len(stated):
        return f"of these, checked by I MATCH: {listed(checked)}"
    return "checked by I MATCH"


def custom(facts: Facts, line: CriterionScore) -> Reason | None:
    asked = facts.asked
    shared = _shared(facts, asked.need.custom_criteria, asked.custom_telling)
    if not shared:
        return None
    return _reason(
        facts,
        line,
        f"Your own criteria mention {listed(shared)}",
        f"Their own words speak of {listed(shared)}",
    )


_WORTH_A_TRIP_KM = 80


def _practice(facts: Facts, line: CriterionScore) -> list[str]:
    years = facts.count("years")
    found = [f"{plural(years, 'year')} of practice"] if years > 0 else []
    if line.parts.get("past", 0) > 0 and facts.count("completed"):
        found.append("has taken requests like yours")
    return found


def _shared(facts: Facts, wanted: str, telling: Mapping[str, float]) -> list[str]:
    """What weighed most of the telling words that both wrote, as and in the order they were asked.

    Whatever weighed little beside the strongest did not make the score and is left out.
    """
    strongest = sorted(telling.keys() & facts.stems, key=lambda stem: (-telling[stem], stem))
    least = telling[strongest[0]] * LEAST_SHARE if strongest else 0
    shared = {stem for stem in strongest[:QUOTED_WORDS] if telling[stem] >= least}
    found: dict[str, str] = {}
    for word, stem in words_of(wanted):
        if stem in shared:
            found.setdefault(stem, word)
    return [f"“{word}”" for word in found.values()]


def _reason(facts: Facts, line: CriterionScore, want: str, offer: str) -> Reason:
    """A stated fact, dated by the profile's last confirmation."""
    return Reason(line.name, want, offer, facts.day("updated"))


def _measured(facts: Facts, line: CriterionScore, want: str, offer: str) -> Reason:
    """A measured fact, counted since the provider joined."""
    return Reason(line.name, want, offer, facts.day("joined"))
