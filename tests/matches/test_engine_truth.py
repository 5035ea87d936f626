"""What a card says of a person is so: nothing more was checked, wanted or stated."""

import pytest

from imatch.matches.engine.types import Pick
from tests.matches.engine_pools import TODAY, advisor, advisors, known_need


def _ranked(*, verified: frozenset[str] = frozenset(), **answers: object) -> dict[int, Pick]:
    """An advisor far away who states three designations, beside one who states none."""
    austin = {"country": "US", "region": "TX", "city": "Austin"}
    stated = {"designations": ["CFP", "CPA", "RICP"], "place": austin}
    pool = advisors()
    pool.upsert([advisor(1, profile=stated, verified=verified), advisor(2)])
    need = known_need(**answers)
    return {pick.provider_id: pick for pick in pool.rank(need, seed=1, today=TODAY).picks}


@pytest.mark.parametrize(
    ("verified", "said"),
    [
        (frozenset(), "States CFP, CPA and RICP; not checked yet"),
        (frozenset({"EA"}), "States CFP, CPA and RICP; not checked yet"),
        (frozenset({"RICP"}), "States CFP, CPA and RICP; of these, checked by I MATCH: RICP"),
        (frozenset({"CFP", "CPA"}),
         "States CFP, CPA and RICP; of these, checked by I MATCH: CFP and CPA"),
        (frozenset({"CFP", "CPA", "RICP"}), "States CFP, CPA and RICP; checked by I MATCH"),
    ],
)  # fmt: skip
def test_only_what_was_checked_is_called_checked(verified: frozenset[str], said: str) -> None:
    pick = _ranked(verified=verified, designations_wanted=["CFP", "CPA", "RICP"])[1]
    offers = {reason.criterion: reason.offer for reason in pick.reasons}
    assert offers["certification_match"] == said


def test_nobody_is_said_to_want_what_they_did_not_say() -> None:
    wants = {
        form: [reason.want for reason in _ranked(format=form, budget=None)[1].reasons]
        for form in ("either", None)
    }
    assert "Online is fine for you" in wants["either"]
    assert "Online is fine for you" not in wants[None]


@pytest.mark.parametrize(
    ("zone", "shared"),
    [("America/New_York", True), ("America/Bogota", True), (None, True), ("Asia/Tokyo", False)],
)
def test_evenings_of_different_clocks_are_not_the_same_time(zone: str | None, shared: bool) -> None:
    """In November New York and Bogotá are both five hours behind UTC."""
    stated = {"windows": ["tue_evening"], "formats": ["remote"], "time_zone": zone}
    pool = advisors()
    pool.upsert([advisor(1, profile=stated), advisor(2)])
    asked = {"windows": ["tue_evening"], "time_zone": "America/New_York", "format": None}
    need = known_need(**asked, needs=[], budget=None, place=None, urgency="flexible")
    pick = next(p for p in pool.rank(need, seed=1, today=TODAY).picks if p.provider_id == 1)
    assert ("Offers Tue evening" in [reason.offer for reason in pick.reasons]) is shared
