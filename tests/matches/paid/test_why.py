"""Why a paid place stands beside a list: who pays, who decides, and the arithmetic in full."""

import html
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.core.clock import frozen, now
from imatch.core.database import atomic
from imatch.matches import queries, service
from imatch.matches.models import Match
from imatch.matches.pool import needs
from imatch.needs.models import Need
from imatch.needs.queries import definition_of
from imatch.providers.models import Provider
from tests.factories import Make
from tests.factories.providers import ADVISORS
from tests.matches.browsing import Browse, eventually, look

PATH = "/matches/paid/why"
Boost = Callable[..., Provider]


@pytest.fixture
def boosted(db: Session, make: Make, three: list[str]) -> Boost:
    """A professional with a boost, between three who fit better and four who fit less."""
    for _ in range(4):
        make.provider(
            profile={
                "display_name": "Bo Beginner",
                "specialties": ["debt"],
                "price": {"min_cents": 190_000, "max_cents": 195_000, "unit": "session"},
                "years_experience": 0,
            }
        )

    def hired(name: str = "Greta Example", topics: tuple[str, ...] = ("debt",)) -> Provider:
        profile = {
            "display_name": name,
            "specialties": list(topics),
            "price": {"min_cents": 90_000, "max_cents": 95_000, "unit": "session"},
        }
        # Not a newcomer, whom the list might draw.
        provider = make.provider(profile=profile, invite_count=8, accept_count=4)
        make.pot(provider.user_id)
        make.boost(provider)
        return provider

    return hired


def fits(db: Session, need: Need) -> dict[str, float]:
    """Everybody's fit by name, as the engine ranks without knowing who pays."""
    answers = need.answers
    asked = needs.stated_need(definition_of(db, need), answers["values"], answers["importance"])
    found, providers = service.rank(db, ADVISORS, asked, count=9, seed=1)
    return {providers[pick.provider_id].display_name: pick.fit for pick in found.picks}


def words(page: str) -> str:
    """The text that a page shows."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_the_card_says_why_and_leads_there(make: Make, browse: Browse, boosted: Boost) -> None:
    boosted()
    _need, token = make.need_and_token()
    beside = look(browse(token)).text.partition("Paid place.")[2]
    assert f'href="{PATH}"' in beside
    assert "Worth knowing." in beside
    assert "Does not name" in words(beside).partition("Worth knowing.")[2]


def test_the_page_says_who_pays_who_decides_and_what_it_did_not_change(
    make: Make, browse: Browse, boosted: Boost, db: Session
) -> None:
    boosted("Greta Example", ("debt", "tax"))
    boosted("Zoe Example")  # pays too, and fits less
    need, token = make.need_and_token()
    browser = browse(token)
    look(browser)
    said = words(browser.get(PATH).text)
    assert "Why Greta Example has a paid place" in said
    assert "Greta Example, for their own profile: 500 POT for 30 days." in said
    assert "A fixed rule; nobody at I MATCH chooses." in said
    assert "Who is on your list, the order of it, and anybody’s fit." in said
    assert re.search(r"chance of a yes \(here \d+%\) and free room \(here 100%\)", said)
    real = fits(db, need)["Greta Example"]
    better = sum(fit > real for fit in fits(db, need).values())
    assert f"Where the {real:.1f} comes from" in said
    assert f"Of the 9 people compared for you, {better} fit better." in said
    assert re.search(rf"\d × 0\.\d{{4}} .* rounded to {real:.1f}", said)


def test_looking_stores_nothing_and_leaves_the_list_as_it_is(
    make: Make, browse: Browse, boosted: Boost, db: Session
) -> None:
    greta = boosted()
    need, token = make.need_and_token()
    browser = browse(token)
    look(browser)
    before = [(m.provider_id, m.position, m.fit) for m in db.scalars(select(Match))]
    assert browser.get(PATH).status_code == 200
    db.rollback()
    assert [(m.provider_id, m.position, m.fit) for m in db.scalars(select(Match))] == before
    assert greta.id not in queries.shown_before(db, need.id)
    assert db.scalar(select(Provider.shown_count).where(Provider.id == greta.id)) == 0


def test_where_there_is_no_paid_place_the_list_opens(
    make: Make, browse: Browse, boosted: Boost, db: Session
) -> None:
    _need, token = make.need_and_token()
    browser = browse(token)
    look(browser)
    assert browser.get(PATH).url.path == "/matches"
    boosted()
    assert eventually(lambda: browser.get(PATH).url.path == PATH)
    with frozen(now() + timedelta(days=31)):
        assert browser.get(PATH).url.path == "/matches"


def test_whoever_has_no_need_reads_nothing(browse: Browse, boosted: Boost, db: Session) -> None:
    boosted()
    page = browse("no-such-token").get(PATH)
    assert page.url.path == "/matches"
    assert "Greta" not in page.text
    assert db.scalar(select(func.count()).select_from(Match)) == 0


def test_a_checked_credential_is_said_to_be_offered(
    make: Make, browse: Browse, boosted: Boost, db: Session
) -> None:
    greta = boosted()
    with atomic(db):
        held = [{"type": "CFP", "number": "1"}]
        greta.profile = {**greta.profile, "designations": [], "credentials": held}
        greta.verified_credentials = ["CFP"]
    _need, token = make.need_and_token()
    browser = browse(token)
    look(browser)
    said = words(browser.get(PATH).text)
    assert "CFP certificant checked" in said
    line = said.partition(" Credentials Stated")[2].partition(" Score ")[0]
    assert line.endswith(" Nothing in particular They offer CFP certificant")
