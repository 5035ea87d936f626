"""The reason of each kind of criterion: what was wanted beside the fact, or None."""

from collections.abc import Mapping

from imatch.ranking.explaining.provider_facts import ProviderFacts
from imatch.ranking.explaining.wording import (
    distance,
    hours,
    join_list,
    lower_first,
    price_range,
)
from imatch.ranking.text.stems import words_of
from imatch.ranking.types import CriterionScore, Reason
from imatch.web.formats import number, plural

MAX_NAMED = 3
MAX_QUOTED_WORDS = 4
MIN_WEIGHT_SHARE = 0.3  # of the weight of the heaviest shared word


def expertise(facts: ProviderFacts, line: CriterionScore) -> Reason | None:
    """The wanted topics they name, else shared words; with years and similar requests."""
    offered = [lower_first(label) for label in facts.offered(line.name)][:MAX_NAMED]
    more = _practice(facts, line)
    if offered:
        offer = f"Names {join_list(offered)} among their topics"
        return _reason(
            facts, line, f"You asked for {join_list(offered)}", "; ".join([offer, *more])
        )
    shared = _shared(facts, facts.query.need.text, facts.query.informative)
    if shared:
        offer = f"Their own words speak of {join_list(shared)}"
        return _reason(
            facts, line, f"You wrote about {join_list(shared)}", "; ".join([offer, *more])
        )
    if more:
        return _reason(
            facts, line, "You look for experience with this", "; ".join(more).capitalize()
        )
    return None


def overlap(facts: ProviderFacts, line: CriterionScore) -> Reason | None:
    offered = [lower_first(label) for label in facts.offered(line.name)][:MAX_NAMED]
    if not offered:
        return None
    return _reason(
        facts,
        line,
        f"You asked for {join_list(offered)}",
        f"Says of themselves: {join_list(offered)}",
    )


def style(facts: ProviderFacts, line: CriterionScore) -> Reason | None:
    """The style scale on which both sides lean furthest in the same direction."""
    offered = facts.styles
    agreeing = [
        (min(abs(wanted), abs(offered[scale])), -scale, wanted)
        for scale, wanted in facts.query.style.items()
        if wanted * offered.get(scale, 0) > 0
    ]
    if not agreeing:
        return None
    _, scale, wanted = max(agreeing)
    ends = facts.query.layout.definition.style_scales[-scale]
    end = lower_first(ends.low if wanted < 0 else ends.high)
    return _reason(
        facts,
        line,
        f"You like to be worked with this way: {end}",
        f"Says they work the same way: {end}",
    )


def logistics(facts: ProviderFacts, line: CriterionScore) -> Reason | None:
    query, km = facts.query, facts.km
    if (
        query.format != "remote"
        and facts.meets("in_person")
        and km is not None
        and line.parts.get("place", 0) > 0
    ):
        meeting = f"Meets in person in {facts.city}" if facts.city else "Meets in person"
        want = (
            "You prefer to meet in person" if query.format == "in_person" else "You gave your place"
        )
        if km <= _MAX_IN_PERSON_KM:
            return _reason(facts, line, want, f"{meeting}, {distance(km)}")
    if query.format == "remote" and facts.meets("remote"):
        return _reason(
            facts, line, "You want to meet online or by phone", "Works online or by phone"
        )
    shared = facts.shared_windows
    if shared:
        times = join_list(shared[:MAX_NAMED])
        if facts.other_clock:
            offer = f"Offers {times} by their clock, which meets your times by yours"
            return _reason(facts, line, "You gave times that suit you", offer)
        offer = f"Offers {times}" + (" by their clock" if facts.unknown_clock else "")
        return _reason(facts, line, f"{times} would suit you", offer)
    if facts.response_hours is not None and query.urgency in {"immediate", "this_week"}:
        return _measured(
            facts,
            line,
            "You need someone soon",
            f"Usually answers within {hours(facts.response_hours)}",
        )
    if query.need.answer("format") == "either" and facts.meets("remote"):
        return _reason(facts, line, "Online is fine for you", "Works online or by phone")
    return None


def pricing(facts: ProviderFacts, line: CriterionScore) -> Reason | None:
    budget, price = facts.query.budget, facts.price
    if budget is None or price is None or line.score < 1:
        return None
    want = f"Your budget is {price_range(budget.low_cents, budget.high_cents, budget.unit)}"
    return _reason(facts, line, want, f"Charges {price_range(*price)}")


def track_record(facts: ProviderFacts, line: CriterionScore) -> Reason | None:
    measured = []
    if facts.mean_rating is not None:
        ratings = plural(facts.count("rating_count"), "rating")
        measured.append(f"Rated {number(facts.mean_rating, 1)} of 5 from {ratings}")
    if facts.count("completed"):
        measured.append(f"{plural(facts.count('completed'), 'engagement')} completed")
    if facts.count("repeat"):
        measured.append(f"{plural(facts.count('repeat'), 'client')} came back")
    return _measured(facts, line, "What others found", "; ".join(measured)) if measured else None


def certification(facts: ProviderFacts, line: CriterionScore) -> Reason | None:
    """The wanted designations; if none were wanted, the verified ones."""
    wanted, verified = facts.offered(line.name), facts.credentials(verified=True)
    if wanted:
        return _reason(
            facts,
            line,
            f"You look for {join_list(wanted)}",
            f"States {join_list(wanted)}; {_how_far_checked(wanted, facts.checked(line.name))}",
        )
    if verified:
        offer = f"{join_list(verified[:MAX_NAMED])}: checked by I MATCH"
        return Reason(line.name, "Credentials that were checked", offer, facts.checked_on)
    return None


def _how_far_checked(stated: list[str], checked: list[str]) -> str:
    if not checked:
        return "not checked yet"
    if len(checked) < len(stated):
        return f"of these, checked by I MATCH: {join_list(checked)}"
    return "checked by I MATCH"


def custom(facts: ProviderFacts, line: CriterionScore) -> Reason | None:
    query = facts.query
    shared = _shared(facts, query.need.custom_criteria, query.custom_informative)
    if not shared:
        return None
    return _reason(
        facts,
        line,
        f"Your own criteria mention {join_list(shared)}",
        f"Their own words speak of {join_list(shared)}",
    )


_MAX_IN_PERSON_KM = 80


def _practice(facts: ProviderFacts, line: CriterionScore) -> list[str]:
    years = facts.count("years")
    facts_in_words = [f"{plural(years, 'year')} of practice"] if years > 0 else []
    if line.parts.get("past", 0) > 0 and facts.count("completed"):
        facts_in_words.append("has taken requests like yours")
    return facts_in_words


def _shared(facts: ProviderFacts, wanted: str, weights: Mapping[str, float]) -> list[str]:
    """The heaviest informative words that both wrote, quoted in the seeker's spelling and order.

    Words that weigh little beside the heaviest are left out: they did not make the score.
    """
    heaviest = sorted(weights.keys() & facts.stems, key=lambda stem: (-weights[stem], stem))
    min_weight = weights[heaviest[0]] * MIN_WEIGHT_SHARE if heaviest else 0
    shared = {stem for stem in heaviest[:MAX_QUOTED_WORDS] if weights[stem] >= min_weight}
    words: dict[str, str] = {}
    for word, stem in words_of(wanted):
        if stem in shared:
            words.setdefault(stem, word)
    return [f"“{word}”" for word in words.values()]


def _reason(facts: ProviderFacts, line: CriterionScore, want: str, offer: str) -> Reason:
    """A stated fact, dated by the last confirmation of the profile."""
    return Reason(line.name, want, offer, facts.day("updated"))


def _measured(facts: ProviderFacts, line: CriterionScore, want: str, offer: str) -> Reason:
    """A measured fact, dated by the day the provider joined."""
    return Reason(line.name, want, offer, facts.day("joined"))
