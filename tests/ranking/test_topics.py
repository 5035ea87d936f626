"""A topic counts as stated if either of two fields names it, also in reasons and caveats."""

from dataclasses import replace

from imatch.categories.catalog import definition
from imatch.ranking import Pool, StatedNeed
from imatch.ranking.types import Pick
from tests.ranking.pools import NEW_PROVIDER, TODAY


def _therapist(specialties: list[str], top_concerns: list[str]) -> Pick:
    """Ranked for anxiety and depression, beside one who names both and one who names neither."""
    both = ["anxiety", "depression"]
    licence = {"licence_expires": "2030-01-31"}
    stated = {"specialties": specialties, "top_concerns": top_concerns}
    pool = Pool(definition("therapists"))
    pool.upsert(
        [
            replace(NEW_PROVIDER, provider_id=1, profile=licence | stated),
            replace(NEW_PROVIDER, provider_id=2, profile=licence | {"specialties": both}),
            replace(NEW_PROVIDER, provider_id=3, profile=licence | {"specialties": ["grief"]}),
        ]
    )
    need = StatedNeed("therapists", "", {"needs": ["anxiety", "depression"]})
    picks = pool.rank(need, seed=1, today=TODAY).picks
    return next(pick for pick in picks if pick.provider_id == 1)


def _offer(pick: Pick) -> str:
    return next(reason.offer for reason in pick.reasons if reason.criterion == "expertise_match")


def test_topics_of_both_fields_are_named_once() -> None:
    pick = _therapist(["anxiety", "sleep"], ["anxiety", "depression"])
    assert _offer(pick) == "Names anxiety and depression among their topics"
    assert "Does not name" not in pick.caveat


def test_what_neither_field_names_is_missing() -> None:
    pick = _therapist(["sleep"], ["depression"])
    assert _offer(pick) == "Names depression among their topics"
    assert pick.caveat == "Does not name “anxiety” among their topics."
