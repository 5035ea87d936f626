"""The Why page recomputes the shown fit exactly, and accepts reports of wrong facts."""

import json

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.core.database import atomic
from imatch.mail.models import MailMessage
from imatch.matches import service
from imatch.matches.explaining import stored as explanations
from imatch.matches.models import Match
from imatch.matches.reports import REPORTS_PER_MATCH
from imatch.providers.models import Provider
from imatch.ranking import fit
from tests.factories import Make
from tests.matches.browsing import Browse


@pytest.fixture
def matches(make: Make, three: list[str], db: Session) -> list[Match]:
    """Three suggested matches of one need, with its token in `info`."""
    need, token = make.need_and_token(windows=["tue_evening"], urgency="this_week")
    service.suggest(db, need)
    db.info["token"] = token
    return list(db.scalars(select(Match).order_by(Match.position)))


def test_the_stored_scores_give_the_shown_fit_exactly(matches: list[Match]) -> None:
    for match in matches:
        through_json = json.loads(json.dumps(match.explanation))
        pick = explanations.from_json(through_json).pick
        assert fit.fit(pick.criteria) == match.fit == pick.fit
        assert explanations.to_json(explanations.from_json(through_json)) == match.explanation
        sums = service.why(match)
        assert sums.agrees
        points = sum(line.weight * line.score for line in pick.criteria)
        by_hand = 100 * points / sums.weights
        assert abs(by_hand - match.fit) <= 0.05 + 1e-9


def test_the_order_follows_from_its_factors(matches: list[Match]) -> None:
    for match in matches:
        order = service.why(match).order
        by_hand = order.fit * order.accept**0.5 * order.room**0.5 - order.price
        assert by_hand == pytest.approx(order.score, abs=1e-3)


def test_the_page_writes_the_sum_out(matches: list[Match], browse: Browse, db: Session) -> None:
    page = browse(db.info["token"]).get(f"/matches/{matches[0].id}/why")
    assert page.status_code == 200
    sums = service.why(matches[0])
    assert sums.formula in page.text
    assert f"{sums.fit:.1f}</strong>" in page.text
    assert "exactly the fit on" in page.text
    assert "Stated in their profile" in page.text
    assert "Why place 1" in page.text
    for line in sums.lines:
        assert f"{line.score.score:.4f}" in page.text
        assert line.score.label in page.text


def test_the_page_does_not_change_with_the_profile(
    matches: list[Match], browse: Browse, db: Session
) -> None:
    browser = browse(db.info["token"])
    before = service.why(matches[0])
    with atomic(db):
        provider = db.get_one(Provider, matches[0].provider_id)
        provider.profile = {**provider.profile, "values": ["patience"], "specialties": ["debt"]}
    assert service.why(matches[0]) == before
    page = browser.get(f"/matches/{matches[0].id}/why")
    assert before.formula in page.text


def test_tampered_scores_are_reported_as_disagreeing(
    matches: list[Match], browse: Browse, db: Session
) -> None:
    match = matches[0]
    with atomic(db):
        changed = json.loads(json.dumps(match.explanation))
        changed["pick"]["criteria"][0]["score"] = 0.0001
        match.explanation = changed
    assert not service.why(match).agrees
    page = browse(db.info["token"]).get(f"/matches/{match.id}/why")
    assert "These numbers do not agree" in page.text


def test_only_the_seeker_can_open_the_page(
    matches: list[Match], make: Make, browse: Browse, db: Session
) -> None:
    path = f"/matches/{matches[0].id}/why"
    _other, other_token = make.need_and_token(urgency="flexible")
    assert browse(other_token).get(path).status_code == 404
    stranger = browse("no-such-token")
    assert stranger.get(path).status_code == 404
    report = stranger.post(f"/matches/{matches[0].id}/report", data={"text": "Wrong."})
    assert report.status_code == 404
    assert stranger.get(f"/matches/{2**63}/why").status_code == 422
    assert stranger.get("/matches/0/why").status_code == 422
    assert db.scalars(select(MailMessage)).all() == []


def test_a_wrong_fact_is_mailed_to_the_operators(
    matches: list[Match], browse: Browse, db: Session, make: Make
) -> None:
    operator = make.operator()
    path = f"/matches/{matches[0].id}/report"
    page = browse(db.info["token"]).post(path, data={"text": "The price is $400.\r\nI asked."})
    assert "on their way to the people who run this site" in page.text
    db.rollback()
    mail = db.scalars(select(MailMessage)).one()
    assert mail.recipient == operator.email
    assert "The price is $400.\nI asked." in mail.text
    assert "vest in May" not in mail.text


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 1_001, "a\x00b"])
def test_an_invalid_report_is_refused(
    matches: list[Match], browse: Browse, db: Session, make: Make, text: str
) -> None:
    make.operator()
    path = f"/matches/{matches[0].id}/report"
    page = browse(db.info["token"]).post(path, data={"text": text})
    assert page.status_code == 422
    assert "There is a problem" in page.text
    assert db.scalars(select(MailMessage)).all() == []


def test_reports_of_one_match_are_limited(
    matches: list[Match], browse: Browse, db: Session, make: Make
) -> None:
    make.operator()
    browser, path = browse(db.info["token"]), f"/matches/{matches[0].id}/report"
    for number in range(REPORTS_PER_MATCH.tries):
        assert browser.post(path, data={"text": f"Wrong {number}."}).status_code == 200
    refused = browser.post(path, data={"text": "Wrong again."})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= REPORTS_PER_MATCH.window.total_seconds()
    assert refused.headers["cache-control"] == "no-store"
    assert "That was tried too often" in refused.text
    assert 'href="#text"' in refused.text
    assert "Wrong again." in refused.text
    db.rollback()
    assert len(db.scalars(select(MailMessage)).all()) == 3


def test_a_report_is_refused_if_there_is_no_operator(
    matches: list[Match], browse: Browse, db: Session
) -> None:
    path = f"/matches/{matches[0].id}/report"
    page = browse(db.info["token"]).post(path, data={"text": "Wrong price."})
    assert page.status_code == 409


def test_an_expired_credential_is_not_shown_as_checked(make: Make, db: Session) -> None:
    credentials = [
        {"type": "CFP", "number": "1", "expires": "2020-01-31"},
        {"type": "EA", "number": "2", "expires": "2999-01-31"},
    ]
    make.provider(profile={"credentials": credentials}, verified_credentials=["CFP", "EA"])
    need = make.need(designations_wanted=["EA"])
    service.suggest(db, need)
    stored = db.scalars(select(Match)).one().explanation
    source = explanations.from_json(stored).sides["certification_match"].source
    assert source == "Stated in their profile; checked by I MATCH: Enrolled Agent"


def test_credentials_that_were_not_wanted_are_shown_as_offered(
    make: Make, browse: Browse, db: Session
) -> None:
    credentials = [
        {"type": "CFP", "number": "1"},
        {"type": "EA", "number": "2", "expires": "2020-01-31"},
        {"type": "CFA", "number": "3"},
    ]
    make.provider(
        profile={"credentials": credentials, "designations": ["CFA"]}, verified_credentials=["CFP"]
    )
    need, token = make.need_and_token()
    service.suggest(db, need)
    match = db.scalars(select(Match)).one()
    sides = explanations.from_json(match.explanation).sides["certification_match"]
    assert sides.offered == "CFA; CFP certificant, Enrolled Agent (expired)"
    page = browse(token).get(f"/matches/{match.id}/why").text
    assert sides.offered in page
