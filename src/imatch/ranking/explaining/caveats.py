"""One honest caveat a person: the weakest criterion, or the weightiest thing nobody knows."""

from collections.abc import Callable

from imatch.categories.schemas import CriterionKind
from imatch.ranking.explaining.provider_facts import Facts
from imatch.ranking.explaining.wording import distance, listed, lower_first, price_range
from imatch.ranking.scoring.table import CUSTOM
from imatch.ranking.types import CriterionScore
from imatch.web.formats import plural

UNKNOWN_LOSS = 0.5  # what not knowing weighs, against a known shortfall of 1 - score
FEW_RATINGS = 5
MINOR = 2.0  # points of fit below which a shortfall is not worth a caveat


def caveat(facts: Facts, criteria: tuple[CriterionScore, ...]) -> str:
    """Always one, always true."""
    weighed = [line for line in criteria if line.weight]
    by_loss = sorted(weighed, key=lambda line: -_loss(line))
    for line in by_loss:
        told = _tell(facts, line) if _loss(line) >= MINOR else ""
        if told:
            return told
    return _record(facts) or _unchecked(facts)


def _loss(line: CriterionScore) -> float:
    return line.weight * (1 - line.score if line.known else UNKNOWN_LOSS)


def _tell(facts: Facts, line: CriterionScore) -> str:
    if line.name == CUSTOM:
        return "Their own words say little about the criteria you wrote yourself."
    return _TELL[facts.asked.layout.definition.kind_of(line.name)](facts, line)


def _expertise(facts: Facts, line: CriterionScore) -> str:
    missing = _missing(facts, line)
    if missing:
        return f"Does not name {listed(missing)} among their topics."
    if not line.parts.get("words"):
        return "Their own words do not mention what you wrote."
    return "Their own words cover only a part of what you wrote." if line.score < _HALF else ""


def _missing(facts: Facts, line: CriterionScore) -> list[str]:
    """Quoted: a label such as “at a desk all day” is no part of a sentence."""
    return [f"“{lower_first(label)}”" for label in facts.missing(line.name)][:3]


def _overlap(facts: Facts, line: CriterionScore) -> str:
    if not line.known:
        return f"Has not stated anything under “{line.label}”."
    missing = _missing(facts, line)
    return f"Does not mention {listed(missing)}, which you asked for." if missing else ""


def _style(facts: Facts, line: CriterionScore) -> str:
    if not line.known:
        return "Has not said how they work with people; ask in a first conversation."
    offered = facts.styles
    gaps = [(abs(w - offered[s]), s) for s, w in facts.asked.style.items() if s in offered]
    gap, scale = max(gaps)
    if gap < _FAR_APART:
        return ""
    ends = facts.asked.layout.definition.style_scales[scale]
    end = ends.high if offered[scale] > facts.asked.style[scale] else ends.low
    return f"Leans further than you to: {lower_first(end)}."


def _logistics(facts: Facts, line: CriterionScore) -> str:
    asked = facts.asked
    if asked.format == "in_person" and not facts.meets("in_person"):
        return "Works online or by phone only; you prefer to meet in person."
    if asked.format == "remote" and not facts.meets("remote"):
        return "Meets in person only; you prefer to meet online."
    km = facts.km
    if (
        km is not None
        and km > _FAR_KM
        and not (asked.format != "in_person" and facts.meets("remote"))
    ):
        return f"Is {distance(km)}."
    if asked.windows.any() and facts.value("windows").any():
        if not facts.shared_windows:
            return "Offers none of the weekly times you gave."
        if facts.other_clock:
            return "Is in another time zone; the weekly times of their profile go by their clock."
    if not line.known or facts.response_hours is None:
        return "How quickly they answer has not been measured yet."
    return ""


def _pricing(facts: Facts, line: CriterionScore) -> str:
    price, budget = facts.price, facts.asked.budget
    if price is None:
        return "Has not stated a price; ask before anything else."
    if not line.known:
        return f"Charges {price_range(*price)}, which cannot be compared with your budget."
    if budget is not None and line.score < 1:
        return f"Charges {price_range(*price)}, above your budget."
    return ""


def _record(facts: Facts, _: CriterionScore | None = None) -> str:
    count = facts.count("rating_count")
    if not count and not facts.count("completed"):
        return "No ratings yet; nobody from I MATCH has worked with them so far."
    if not count:
        return f"No ratings yet; {plural(facts.count('completed'), 'engagement')} completed here."
    if count < FEW_RATINGS:
        return f"Only {plural(count, 'rating')} so far."
    return ""


def _certification(facts: Facts, line: CriterionScore) -> str:
    missing = facts.missing(line.name)
    if missing:
        return f"Does not state {listed(missing)}."
    return _unchecked(facts) if not facts.credentials(verified=True) else ""


def _unchecked(facts: Facts) -> str:
    if not facts.credentials(verified=True):
        return "I MATCH has not checked any credential of theirs yet."
    return "The fit compares what both of you stated; whether you get on shows in a first talk."


_HALF = 0.5
_FAR_APART = 3
_FAR_KM = 40
_TELL: dict[CriterionKind, Callable[[Facts, CriterionScore], str]] = {
    CriterionKind.EXPERTISE: _expertise,
    CriterionKind.OVERLAP: _overlap,
    CriterionKind.STYLE: _style,
    CriterionKind.LOGISTICS: _logistics,
    CriterionKind.PRICING: _pricing,
    CriterionKind.TRACK_RECORD: _record,
    CriterionKind.CERTIFICATION: _certification,
}
