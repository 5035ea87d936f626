"""What decides the order beside fit: capacity, acceptance, exposure, diversity, newcomers."""

import threading
from dataclasses import replace
from datetime import date

from imatch.categories.catalog import definition
from imatch.ranking import Policy, Pool, StatedNeed
from tests.ranking.pools import TODAY, advisor, advisors, known_need

TEXT = "RSU, ISO and AMT questions, retirement planning and tax optimisation."


def order(pool: Pool) -> list[int]:
    picks = pool.rank(known_need(), seed=1, today=TODAY).picks
    return [pick.provider_id for pick in picks]


def test_of_two_equals_the_one_with_more_capacity_comes_first() -> None:
    pool = advisors()
    pool.upsert([advisor(1, TEXT, active_count=4), advisor(2, TEXT, active_count=1)])
    picks = pool.rank(known_need(), seed=1, today=TODAY).picks
    assert [pick.provider_id for pick in picks] == [2, 1]
    assert picks[0].fit == picks[1].fit
    assert [pick.occupancy for pick in picks] == [0.2, 0.8]


def test_of_two_equals_the_one_likelier_to_accept_comes_first() -> None:
    pool = advisors()
    pool.upsert([advisor(1, TEXT, invites=20, accepts=2), advisor(2, TEXT, invites=20, accepts=18)])
    assert order(pool) == [2, 1]


def test_a_provider_without_capacity_is_not_ranked() -> None:
    pool = advisors()
    pool.upsert([advisor(1, TEXT, active_count=5), advisor(2, TEXT)])
    result = pool.rank(known_need(), seed=1, today=TODAY)
    assert [pick.provider_id for pick in result.picks] == [2]
    assert [(r.gate, r.count, r.relaxable) for r in result.removed] == [("has_room", 1, False)]


def test_an_exposure_price_changes_the_order_but_not_the_fit() -> None:
    pool = advisors()
    pool.upsert([advisor(1, TEXT), advisor(2, TEXT)])
    plain = pool.rank(known_need(), seed=1, today=TODAY).picks
    priced = pool.rank(known_need(), seed=1, today=TODAY, exposure={1: 0.01}).picks
    assert [pick.provider_id for pick in plain] == [1, 2]
    assert [pick.provider_id for pick in priced] == [2, 1]
    assert priced[1].exposure_price == 0.01
    assert priced[1].fit == plain[0].fit


def test_diversity_moves_a_different_provider_forward() -> None:
    different = {
        "languages": ["en", "es", "fr", "de"],
        "exams": ["series_65", "series_66", "series_7"],
        "engagement_types": ["one_off", "hourly", "ongoing", "aum"],
    }
    other = advisor(3, TEXT, profile=different, capacity=20, active_count=1)
    plain = Pool(definition("financial_advisors"), policy=Policy(diversity=0))
    varied = advisors()
    for pool in (plain, varied):
        pool.upsert([advisor(1, TEXT), advisor(2, TEXT), other])
    assert order(plain) == [1, 2, 3]
    assert order(varied) == [1, 3, 2]


def test_newcomers_get_the_last_position_in_three_of_ten_requests() -> None:
    established = [
        advisor(i, TEXT, invites=20, accepts=18, completed_count=18, rating_count=9, rating_sum=44)
        for i in range(1, 9)
    ]
    newcomers = [advisor(i, TEXT, response_hours=1.0) for i in (50, 51)]
    weak = [advisor(i, "General advice.", profile={"specialties": ["debt"]}) for i in range(70, 99)]
    pool = advisors()
    pool.upsert([*established, *newcomers, *weak])
    newcomer_counts = {50: 0, 51: 0}
    for seed in range(400):
        picks = pool.rank(known_need(), seed=seed, today=TODAY).picks
        assert not any(pick.newcomer for pick in picks[:2])
        if picks[2].newcomer:
            newcomer_counts[picks[2].provider_id] += 1
            assert round(picks[2].propensity, 6) == 0.15
        else:
            assert picks[2].propensity == 0.7
    assert 90 <= sum(newcomer_counts.values()) <= 150
    assert min(newcomer_counts.values()) > 30


def test_without_a_newcomer_share_the_order_does_not_depend_on_the_seed() -> None:
    pool = Pool(definition("financial_advisors"), policy=Policy(newcomer_share=0))
    pool.upsert([advisor(i, TEXT) for i in range(9)])
    first = pool.rank(known_need(), seed=1, today=TODAY)
    assert all(pool.rank(known_need(), seed=s, today=TODAY) == first for s in range(20))


def test_own_criteria_count_as_one_more_criterion() -> None:
    pool = advisors()
    pool.upsert([advisor(1, TEXT), advisor(2, f"{TEXT} I speak at beekeeping fairs.")])
    need = replace(known_need(), custom_criteria="someone who knows beekeeping")
    first, second = pool.rank(need, seed=1, today=TODAY).picks
    assert first.provider_id == 2
    line = first.criteria[-1]
    assert (line.name, line.weight, line.score) == ("custom_criteria", 15, 1.0)
    assert second.criteria[-1].score == 0
    assert any("beekeeping" in reason.offer for reason in first.reasons)


def test_readers_see_complete_updates_while_a_writer_works() -> None:
    pool = advisors()
    pool.upsert([advisor(i, "alpha planning") for i in range(50)])
    need = known_need(place=None)
    seen: list[set[str]] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            picks = pool.rank(replace(need, text="alpha omega"), seed=1, today=TODAY).picks
            seen.append({pick.best_sentence for pick in picks})

    reader = threading.Thread(target=read)
    reader.start()
    for round_ in range(30):
        word = ("omega", "alpha")[round_ % 2]
        pool.upsert([advisor(i, f"{word} planning") for i in range(50)])
    done.set()
    reader.join()
    assert seen
    assert all(len(sentences) == 1 for sentences in seen)


def test_a_verified_credential_is_dated_by_the_day_of_its_check() -> None:
    pool = advisors()
    days = {"CFP": date(2026, 3, 1), "CPA": date(2026, 5, 2)}
    checked = {"verified": frozenset(days), "joined": date(2020, 1, 1)}
    pool.upsert([advisor(1, verified_on=days, **checked), advisor(2, **checked), advisor(3)])
    picks = pool.rank(StatedNeed("financial_advisors", "", {}), seed=1, today=TODAY).picks
    reasons = {
        pick.provider_id: reason
        for pick in picks
        for reason in pick.reasons
        if reason.criterion == "certification_match"
    }
    assert reasons[1].since == date(2026, 5, 2)
    assert reasons[2].since is None
    assert 3 not in reasons


def test_a_higher_budget_is_suggested_only_if_it_adds_providers() -> None:
    expensive = {"price": {"min_cents": 1_010_100, "max_cents": 2_000_000, "unit": "year"}}
    budget = {"min_cents": None, "max_cents": 1_000_000, "unit": "year"}
    pool = advisors()
    pool.upsert([advisor(1, "tax", profile=expensive), advisor(2, "tax")])
    first = pool.rank(known_need(budget=budget), seed=1, today=TODAY).picks[0]
    assert first.counterfactual == "With $125 more a year, one more person fits your budget."
    pool.remove([1])
    first = pool.rank(known_need(budget=budget), seed=1, today=TODAY).picks[0]
    assert "your budget" not in first.counterfactual


def test_online_is_not_a_reason_if_the_seeker_named_no_format() -> None:
    pool = advisors()
    pool.upsert([advisor(1, "tax", profile={"formats": ["remote"]})])
    need = known_need(format=None, place=None, windows=["tue_evening"])
    offers = [r.offer for r in pool.rank(need, seed=1, today=TODAY).picks[0].reasons]
    assert "Works online or by phone" not in offers
