"""Every sentence on a card is true: it claims only what was checked, wanted or stated."""

from dataclasses import replace

import pytest

from imatch.ranking.explaining.wording import join_list
from imatch.ranking.pool.time_zones import windows_elsewhere
from imatch.ranking.types import Pick
from tests.ranking.pools import TODAY, advisor, advisors, known_need


def _ranked(*, verified: frozenset[str] = frozenset(), **answers: object) -> dict[int, Pick]:
    """An advisor far away who states three designations, beside one who states none."""
    austin = {"country": "US", "region": "TX", "city": "Austin"}
    stated = {"designations": ["CFP", "CPA", "RICP"], "place": austin}
    pool = advisors()
    pool.upsert([advisor(1, profile=stated, verified=verified), advisor(2)])
    need = known_need(**answers)
    return {pick.provider_id: pick for pick in pool.rank(need, seed=1, today=TODAY).picks}


@pytest.mark.parametrize(
    ("verified", "expected"),
    [
        (frozenset(), "States CFP, CPA and RICP; not checked yet"),
        (frozenset({"EA"}), "States CFP, CPA and RICP; not checked yet"),
        (frozenset({"RICP"}), "States CFP, CPA and RICP; of these, checked by I MATCH: RICP"),
        (frozenset({"CFP", "CPA"}),
         "States CFP, CPA and RICP; of these, checked by I MATCH: CFP and CPA"),
        (frozenset({"CFP", "CPA", "RICP"}), "States CFP, CPA and RICP; checked by I MATCH"),
    ],
)  # fmt: skip
def test_only_what_was_checked_is_called_checked(verified: frozenset[str], expected: str) -> None:
    pick = _ranked(verified=verified, designations_wanted=["CFP", "CPA", "RICP"])[1]
    offers = {reason.criterion: reason.offer for reason in pick.reasons}
    assert offers["certification_match"] == expected


def test_a_want_is_quoted_only_if_the_seeker_stated_it() -> None:
    wants = {
        form: [reason.want for reason in _ranked(format=form, budget=None)[1].reasons]
        for form in ("either", None)
    }
    assert "Online is fine for you" in wants["either"]
    assert "Online is fine for you" not in wants[None]


def _times(
    zone: str | None,
    *windows: str,
    seeker_zone: str | None = "America/New_York",
    wanted: tuple[str, ...] = ("tue_evening",),
) -> Pick:
    """A provider with these weekly times, for a need on Tuesday evening in New York."""
    stated = {"windows": list(windows), "formats": ["remote"], "time_zone": zone}
    pool = advisors()
    pool.upsert([advisor(1, profile=stated), advisor(2)])
    when = {"windows": list(wanted), "time_zone": seeker_zone, "format": None}
    need = known_need(**when, needs=[], budget=None, place=None, urgency="flexible")
    picks = pool.rank(need, seed=1, today=TODAY).picks
    return next(pick for pick in picks if pick.provider_id == 1)


def _shared_times(pick: Pick) -> float:
    return next(line.parts["times"] for line in pick.criteria if "times" in line.parts)


@pytest.mark.parametrize(
    ("zone", "window", "expected"),
    [
        ("America/New_York", "tue_evening", "Offers Tue evening"),
        # In November New York and Bogotá are both five hours behind UTC.
        ("America/Bogota", "tue_evening", "Offers Tue evening"),
        (None, "tue_evening", "Offers Tue evening by their clock"),
        ("America/Los_Angeles", "tue_afternoon",
         "Offers Tue afternoon by their clock, which meets your times by yours"),
        ("Asia/Tokyo", "wed_morning",
         "Offers Wed morning by their clock, which meets your times by yours"),
    ],
)  # fmt: skip
def test_weekly_times_are_compared_across_time_zones(
    zone: str | None, window: str, expected: str
) -> None:
    pick = _times(zone, window)
    assert _shared_times(pick) == 1
    assert expected in [reason.offer for reason in pick.reasons]


@pytest.mark.parametrize(
    ("zone", "window"),
    [
        ("America/New_York", "wed_morning"),
        ("Asia/Tokyo", "tue_evening"),
        ("America/Los_Angeles", "tue_evening"),  # one hour in common
    ],
)
def test_equal_labels_in_different_time_zones_do_not_match(zone: str, window: str) -> None:
    pick = _times(zone, window)
    assert _shared_times(pick) == 0
    assert not any("Offers" in reason.offer for reason in pick.reasons)
    assert pick.caveat == "Offers none of the weekly times you gave."


def test_without_the_seekers_time_zone_times_are_labelled_by_the_providers_clock() -> None:
    pick = _times("Asia/Tokyo", "tue_evening", seeker_zone=None)
    assert "Offers Tue evening by their clock" in [reason.offer for reason in pick.reasons]


def test_partly_shared_times_in_another_time_zone_are_a_caveat() -> None:
    pick = _times("America/Los_Angeles", "tue_afternoon", wanted=("tue_evening", "fri_morning"))
    assert _shared_times(pick) == 0.5
    assert pick.caveat.startswith("Is in another time zone")


def test_weekly_times_wrap_around_the_week() -> None:
    assert windows_elsewhere(["sun_evening"], 14) == ["mon_morning"]
    assert windows_elsewhere(["mon_morning"], -14) == ["sun_evening"]
    assert windows_elsewhere(["mon_morning", "mon_evening"], 0) == ["mon_morning", "mon_evening"]
    assert windows_elsewhere(["wed_afternoon"], -1) == ["wed_afternoon"]
    assert windows_elsewhere(["wed_afternoon"], 8) == []  # in the middle of the night


def test_the_first_of_equally_good_sentences_is_shown() -> None:
    words = [
        "equity",
        "retirement",
        "estate",
        "divorce",
        "debt",
        "college",
        "mortgage",
        "pension",
        "insurance",
    ]
    rotations = [words[n:] + words[:n] for n in range(len(words))]
    passage = " ".join(f"{' '.join(order).capitalize()}." for order in rotations)
    others = [advisor(n, " ".join(words[n:])) for n in range(2, len(words))]
    pool = advisors()
    pool.upsert([advisor(1, passage), *others])
    need = replace(known_need(), text=" ".join(words))
    pick = next(p for p in pool.rank(need, seed=1, today=TODAY).picks if p.provider_id == 1)
    assert pick.best_sentence == f"{' '.join(words).capitalize()}."


def _in_their_words(text: str, *passages: str, criteria: str = "") -> Pick:
    """The first of five advisors who differ only in their words, for a need without topics."""
    others = ("Taxes and debt.", "I find a plan for people.", "Cycling.", "Small businesses.")
    pool = advisors()
    pool.upsert([advisor(1, *passages), *(advisor(n, t) for n, t in enumerate(others, start=2))])
    need = replace(known_need(needs=[], life_event=[]), text=text, custom_criteria=criteria)
    picks = pool.rank(need, seed=1, today=TODAY).picks
    return next(pick for pick in picks if pick.provider_id == 1)


REQUEST = (
    "I'm looking for somebody who can help me find a good plan. Three years ago we inherited a "
    "vineyard, at 41, and I keep thinking about the first steps."
)


def test_only_informative_words_are_quoted() -> None:
    pick = _in_their_words(
        REQUEST,
        "I keep thinking of the first steps, somebody helps, you look and find a good plan at 41.",
        "A vineyard changes hands. Inheritance takes three years.",
    )
    reasons = {reason.criterion: (reason.want, reason.offer) for reason in pick.reasons}
    want, offer = reasons["expertise_match"]
    assert want == "You wrote about “inherited” and “vineyard”"
    assert offer.startswith("Their own words speak of “inherited” and “vineyard”")
    assert pick.best_sentence == "A vineyard changes hands."


def test_uninformative_words_count_but_are_not_quoted() -> None:
    pick = _in_their_words(REQUEST, "I keep thinking of the first steps and find somebody to help.")
    line = next(line for line in pick.criteria if line.name == "expertise_match")
    assert line.parts["words"] > 0
    assert not any("“" in reason.want + reason.offer for reason in pick.reasons)
    assert pick.best_sentence == ""


def test_own_criteria_quote_informative_words_only() -> None:
    pick = _in_their_words(
        "Retirement",
        "We look at things together, somebody brings drawings of a boat.",
        criteria="somebody who looks at things with me and explains them with drawings",
    )
    reason = next(reason for reason in pick.reasons if reason.criterion == "custom_criteria")
    assert reason.want == "Your own criteria mention “drawings”"


def test_labels_with_commas_are_joined_by_semicolons() -> None:
    labels = ["by the evidence, measured", "strength work", "integrity"]
    assert join_list(labels) == "by the evidence, measured; strength work; and integrity"
    assert join_list(labels[:2]) == "by the evidence, measured; and strength work"
    assert join_list(labels[1:]) == "strength work and integrity"
    assert join_list(labels[:1]) == "by the evidence, measured"
