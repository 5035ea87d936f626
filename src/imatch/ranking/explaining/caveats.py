"""One honest caveat for each pick: its weakest criterion, or the unknown with the most weight."""

from collections.abc import Callable

from imatch.categories.schemas import CriterionKind
from imatch.ranking.explaining.provider_facts import ProviderFacts
from imatch.ranking.explaining.wording import distance, join_list, lower_first, price_range
from imatch.ranking.scoring.table import CUSTOM
from imatch.ranking.types import CriterionScore
from imatch.web.formats import plural

UNKNOWN_LOSS = 0.5  # loss of an unknown score; that of a known one is 1 - score
FEW_RATINGS = 5
MIN_CAVEAT_LOSS = 2.0  # points of fit; a smaller loss is not worth a caveat


def caveat(facts: ProviderFacts, criteria: tuple[CriterionScore, ...]) -> str:
    """A true sentence about the largest loss; never empty."""
    weighted = [line for line in criteria if line.weight]
    by_loss = sorted(weighted, key=lambda line: -_loss(line))
    for line in by_loss:
        sentence = _sentence(facts, line) if _loss(line) >= MIN_CAVEAT_LOSS else ""
        if sentence:
            return sentence
    return _record(facts) or _unchecked(facts)


def _loss(line: CriterionScore) -> float:
    return line.weight * (1 - line.score if line.known else UNKNOWN_LOSS)


def _sentence(facts: ProviderFacts, line: CriterionScore) -> str:
    if line.name == CUSTOM:
        return "Their own words say little about the criteria you wrote yourself."
    return _SENTENCES[facts.query.layout.definition.kind_of(line.name)](facts, line)


def _expertise(facts: ProviderFacts, line: CriterionScore) -> str:
    missing = _missing(facts, line)
    if missing:
        return f"Does not name {join_list(missing)} among their topics."
    if not line.parts.get("words"):
        return "Their own words do not mention what you wrote."
    return (
        "Their own words cover only a part of what you wrote."
        if line.score < _PARTIAL_SCORE
        else ""
    )


def _missing(facts: ProviderFacts, line: CriterionScore) -> list[str]:
    """Up to three labels, quoted because “at a desk all day” does not fit into a sentence."""
    return [f"“{lower_first(label)}”" for label in facts.missing(line.name)][:3]


def _overlap(facts: ProviderFacts, line: CriterionScore) -> str:
    if not line.known:
        return f"Has not stated anything under “{line.label}”."
    missing = _missing(facts, line)
    return f"Does not mention {join_list(missing)}, which you asked for." if missing else ""


def _style(facts: ProviderFacts, line: CriterionScore) -> str:
    if not line.known:
        return "Has not said how they work with people; ask in a first conversation."
    offered = facts.styles
    gaps = [
        (abs(wanted - offered[scale]), scale)
        for scale, wanted in facts.query.style.items()
        if scale in offered
    ]
    gap, scale = max(gaps)
    if gap < _FAR_STYLE_STEPS:
        return ""
    ends = facts.query.layout.definition.style_scales[scale]
    end = ends.high if offered[scale] > facts.query.style[scale] else ends.low
    return f"Leans further than you to: {lower_first(end)}."


def _logistics(facts: ProviderFacts, line: CriterionScore) -> str:
    query = facts.query
    if query.format == "in_person" and not facts.meets("in_person"):
        return "Works online or by phone only; you prefer to meet in person."
    if query.format == "remote" and not facts.meets("remote"):
        return "Meets in person only; you prefer to meet online."
    km = facts.km
    if (
        km is not None
        and km > _FAR_KM
        and not (query.format != "in_person" and facts.meets("remote"))
    ):
        return f"Is {distance(km)}."
    if query.windows.any() and facts.value("windows").any():
        if not facts.shared_windows:
            return "Offers none of the weekly times you gave."
        if facts.other_clock:
            return "Is in another time zone; the weekly times of their profile go by their clock."
    if not line.known or facts.response_hours is None:
        return "How quickly they answer has not been measured yet."
    return ""


def _pricing(facts: ProviderFacts, line: CriterionScore) -> str:
    price, budget = facts.price, facts.query.budget
    if price is None:
        return "Has not stated a price; ask before anything else."
    if not line.known:
        return f"Charges {price_range(*price)}, which cannot be compared with your budget."
    if budget is not None and line.score < 1:
        return f"Charges {price_range(*price)}, above your budget."
    return ""


def _record(facts: ProviderFacts, _: CriterionScore | None = None) -> str:
    count = facts.count("rating_count")
    if not count and not facts.count("completed"):
        return "No ratings yet; nobody from I MATCH has worked with them so far."
    if not count:
        return f"No ratings yet; {plural(facts.count('completed'), 'engagement')} completed here."
    if count < FEW_RATINGS:
        return f"Only {plural(count, 'rating')} so far."
    return ""


def _certification(facts: ProviderFacts, line: CriterionScore) -> str:
    missing = facts.missing(line.name)
    if missing:
        return f"Does not state {join_list(missing)}."
    return _unchecked(facts) if not facts.credentials(verified=True) else ""


def _unchecked(facts: ProviderFacts) -> str:
    if not facts.credentials(verified=True):
        return "I MATCH has not checked any credential of theirs yet."
    return "The fit compares what both of you stated; whether you get on shows in a first talk."


_PARTIAL_SCORE = 0.5
_FAR_STYLE_STEPS = 3
_FAR_KM = 40
_SENTENCES: dict[CriterionKind, Callable[[ProviderFacts, CriterionScore], str]] = {
    CriterionKind.EXPERTISE: _expertise,
    CriterionKind.OVERLAP: _overlap,
    CriterionKind.STYLE: _style,
    CriterionKind.LOGISTICS: _logistics,
    CriterionKind.PRICING: _pricing,
    CriterionKind.TRACK_RECORD: _record,
    CriterionKind.CERTIFICATION: _certification,
}
