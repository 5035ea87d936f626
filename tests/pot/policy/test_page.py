"""Operators see the economy's numbers and weeks, what a change would do, and decide by two."""

import csv
import io
import re
from datetime import UTC, datetime, time, timedelta

from sqlalchemy.orm import Session

from imatch.core.clock import frozen, today
from imatch.ledger import POT
from imatch.ledger.sealing.seals import seal
from imatch.pot.policy import service as policy
from imatch.pot.policy import weeks_view as policy_weeks
from imatch.pot.service import POTService
from tests.factories import Make
from tests.support.clients import SignIn

GENESIS = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday
FIRST, SECOND = (datetime(2026, 3, day, 1, tzinfo=UTC) for day in (9, 16))  # Mondays
CHANGE = {"name": "yearly_growth", "value": "0.2", "reason": "Growth is faster than planned."}


def test_a_change_is_checked_proposed_and_approved(
    db: Session, make: Make, sign_in: SignIn
) -> None:
    policy.genesis(db)
    policy.run_week(db)
    proposer, approver = (make.operator(name=name) for name in ("Ann", "Bo"))
    browser = sign_in(proposer)
    checked = browser.post("/console/policy/check", data=CHANGE)
    assert checked.status_code == 200
    assert "What this would do" in checked.text
    assert policy.current(db).yearly_growth == 0.1

    assert browser.post("/console/policy", data=CHANGE).status_code == 200
    page = browser.get("/console/policy").text
    assert "You proposed this: another operator decides." in page
    assert browser.post("/console/policy/2/approve").status_code == 403

    browser = sign_in(approver)
    page = browser.get("/console/policy").text
    assert "Proposed by Ann" in page
    assert "Yearly growth" in page
    assert browser.post("/console/policy/2/approve").status_code == 200
    db.rollback()
    assert policy.current(db).yearly_growth == 0.2
    assert browser.post("/console/policy/2/reject").status_code == 409


def test_a_change_comes_into_effect_on_a_day(db: Session, make: Make, sign_in: SignIn) -> None:
    policy.genesis(db)
    proposer, approver = make.operators()
    sign_in(proposer).post("/console/policy", data=CHANGE)
    browser = sign_in(approver)
    approve = "/console/policy/2/approve"
    # Once a version is approved for a day, nothing else comes into effect before it.
    for bad in ("soon", "2020-01-01", "0001-01-01", "9999-12-31", "2" * 5_000):
        answer = browser.post(approve, data={"on": bad})
        assert answer.status_code == 422
        assert 'href="#on-2"' in answer.text
    tomorrow = today() + timedelta(days=1)
    assert browser.post(approve, data={"on": tomorrow.isoformat()}).status_code == 200
    db.rollback()
    assert policy.current(db).yearly_growth == 0.1
    with frozen(datetime.combine(tomorrow, time(), UTC)):
        assert policy.current(db).yearly_growth == 0.2


def test_bad_changes_are_refused_beside_the_form(db: Session, make: Make, sign_in: SignIn) -> None:
    policy.genesis(db)
    browser = sign_in(make.operator())
    for bad in (
        {"name": "yearly_growth", "value": "much"},
        {"name": "genesis_pot", "value": "1"},
        {"name": "", "value": ""},
        {"name": "yearly_growth", "value": "0.2", "reason": " "},
        {"name": "yearly_growth", "value": "0.2", "reason": "Why. " * 1_000},
        {"name": "yearly_growth", "value": "2" * 5_000},
    ):
        answer = browser.post("/console/policy", data={"reason": "Why not.", **bad})
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
        assert "Input should" not in answer.text
    assert "None yet." not in browser.get("/console/policy").text
    assert browser.post("/console/policy/99/approve").status_code == 404


def _two_weeks(db: Session, make: Make) -> None:
    """Two decisions; 300 POT awarded between them, 40 of them burned and 100 always paid."""
    person = make.user()
    with frozen(GENESIS):
        policy.genesis(db)
    with frozen(FIRST):
        policy.run_week(db)
        make.pot(person, 120)
        seal(db, POT)
        make.pot(person, 100, "seeker_first_engagement")
        POTService(db).spend_pot(person.id, "charity_burn", amount=40)
    with frozen(SECOND - timedelta(hours=2)):  # Sunday evening
        make.pot(person, 80)
    with frozen(SECOND):
        policy.run_week(db)
        make.pot(person, 7)


def test_weeks_stand_beside_what_was_awarded_in_them(db: Session, make: Make) -> None:
    _two_weeks(db, make)
    with frozen(SECOND + timedelta(days=1)):
        second, first = policy_weeks.weeks(db)
        words = policy_weeks.summaries([second, first])
        assert policy_weeks.outlook(db) == ""
    assert (first.is_over, first.awarded, first.always_paid, first.left) == (True, 200, 100, 0)
    assert (second.awarded, second.always_paid, second.left) == (7, 0, 40)
    assert first.supply == 10_000_000
    assert second.supply == 10_000_000 + first.run.minted - 40
    budget = second.run.award_budget
    assert words["awards"].startswith(
        f"7 POT awarded so far in the week of 16 Mar 2026, of a budget of {budget:,}."
    )
    assert f"{second.run.minted:,} POT were minted on 16 Mar 2026; 40 had left" in words["flow"]
    gap = second.target - second.supply
    assert gap > 0
    assert f"{gap:,} POT below its target" in words["supply"]


def test_what_is_always_paid_uses_the_budget_when_it_is_given_by_hand(
    db: Session, make: Make
) -> None:
    person = make.user()
    with frozen(GENESIS):
        policy.genesis(db)
    with frozen(FIRST):
        policy.run_week(db)
        POTService(db).award_engagement_bonus(person.id, "seeker", 1)
        (week,) = policy_weeks.weeks(db)
        assert (week.awarded, week.always_paid, policy.budget(db).spent) == (0, 100, 100)


def test_charts_read_a_table_and_a_file_holds_all_of_it(
    db: Session, make: Make, sign_in: SignIn
) -> None:
    _two_weeks(db, make)
    with frozen(SECOND + timedelta(days=1)):
        browser = sign_in(make.operator())
        page = browser.get("/console/policy").text
        answer = browser.get("/console/policy/weeks.csv")
    lines = re.findall(r'data-chart="weeks-table" data-lines="([a-z ]+)"', page)
    assert lines == ["supply target", "minted left", "awarded budget"]
    table = page[page.index('id="weeks-table"') :]
    for name in " ".join(lines).split():
        assert f'data-column="{name}"' in table
    assert table.index('datetime="2026-03-16"') < table.index('datetime="2026-03-09"')
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "no-store" in answer.headers["cache-control"]
    newest, oldest = csv.DictReader(io.StringIO(answer.text))
    assert (newest["week"], newest["left_in_week_before"]) == ("2026-03-16", "40.0")
    assert (oldest["week"], oldest["awarded"], oldest["always_paid"]) == (
        "2026-03-09",
        "200",
        "100",
    )
    assert None not in newest


def test_weeks_that_are_missing_are_said_to_be(db: Session, make: Make, sign_in: SignIn) -> None:
    browser = sign_in(make.operator())
    assert "There is no POT yet" in browser.get("/console/policy").text
    with frozen(GENESIS):
        policy.genesis(db)
    browser = sign_in(make.operator())
    with frozen(GENESIS + timedelta(days=1)):
        assert policy_weeks.outlook(db) == (
            "No week is decided yet. The first decision comes on Monday, 9 Mar 2026."
        )
        assert policy_weeks.weeks(db) == []
    with frozen(FIRST):
        assert policy_weeks.outlook(db).startswith("This week’s decision is due.")
    page = browser.get("/console/policy").text
    assert "This week’s decision is due." in page
    assert "data-chart" not in page
    assert browser.get("/console/policy/weeks.csv").text.strip() == ",".join(policy_weeks.CSV_HEADS)


def test_refusals_of_numbers_say_what_to_write(db: Session, make: Make, sign_in: SignIn) -> None:
    policy.genesis(db)
    browser = sign_in(make.operator())
    for name, value, said in (
        ("yearly_growth", "", "Write a number like 0.125."),
        ("yearly_growth", "none", "Write a number like 0.125."),
        ("yearly_growth", "inf", "Write 1 at most."),
        ("yearly_growth", "-1", "Write 0 at least."),
        ("half_life_weeks", "0", "Write more than 0."),
        ("hold_days", "7.5", "Write a whole number."),
        ("monthly_award_cap", "9" * 20, "Write 1,000,000,000,000 at most."),
        ("genesis_pot", "1", "Choose the number that should change."),
    ):
        answer = browser.post("/console/policy/check", data={"name": name, "value": value})
        assert answer.status_code == 422
        assert said in answer.text
