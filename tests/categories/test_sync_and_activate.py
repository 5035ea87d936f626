"""Definitions reach the table, operators' changes stay, and plain SQL is honoured at once."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from imatch.categories import queries, rows, service
from imatch.categories.catalog import definitions
from imatch.categories.in_force import CategoryInForce
from imatch.categories.models import Category
from imatch.categories.schemas import CategoryDefinition
from imatch.core.database import atomic
from imatch.core.logs import configure_logs

pytestmark = pytest.mark.both_databases


def active_names(db: Session) -> list[str]:
    return [category.name for category in queries.active_categories(db)]


def row_of(db: Session, name: str) -> Category:
    return db.scalars(select(Category).where(Category.name == name)).one()


def definition_of(db: Session, name: str) -> CategoryDefinition:
    return queries.by_name(db, name).definition


def test_sync_writes_every_definition(db: Session) -> None:
    found = queries.all_categories(db)
    assert [row.name for row in found] == sorted(definitions())
    assert active_names(db) == ["financial_advisors"]
    advisors = row_of(db, "financial_advisors")
    assert advisors.display_name == "Financial advisors"
    assert advisors.matching_criteria["expertise_match"]["weight"] == 30
    assert advisors.intake_questions[0]["fields"][0]["name"] == "needs_description"
    assert definition_of(db, "financial_advisors") is definitions()["financial_advisors"]


def test_sync_again_changes_nothing(db: Session) -> None:
    changed = select(Category.name, Category.updated_at)
    before = db.execute(changed).all()
    assert service.sync(db) == service.Synced()
    assert db.execute(changed).all() == before


def test_sync_adds_a_new_definition(db: Session) -> None:
    with atomic(db):
        db.delete(row_of(db, "therapists"))
    with pytest.raises(queries.UnknownCategory):
        queries.by_name(db, "therapists")
    assert service.sync(db).added == ["therapists"]
    assert not queries.by_name(db, "therapists").active


def test_sync_brings_a_changed_definition(db: Session) -> None:
    with atomic(db):  # as an earlier version of the product would have written it
        row = row_of(db, "therapists")
        row.description = "An earlier text."
        row.definition_hash = rows.fingerprint(rows.held_by(row))
    assert service.sync(db).updated == ["therapists"]
    shipped = definitions()["therapists"].description
    assert row_of(db, "therapists").description == shipped


def test_sync_keeps_what_operators_changed(db: Session) -> None:
    with atomic(db):
        row = row_of(db, "financial_advisors")
        row.active = False
        row.display_name = "Money people"
    assert service.sync(db).kept == ["financial_advisors"]
    kept = queries.by_name(db, "financial_advisors")
    assert (kept.active, kept.definition.display_name) == (False, "Money people")


def edit(db: Session, **columns: Any) -> CategoryInForce:  # noqa: ANN401 -- any column
    with atomic(db):
        row = row_of(db, "financial_advisors")
        for column, value in columns.items():
            setattr(row, column, value)
    return queries.by_name(db, "financial_advisors")


def test_edited_weights_are_in_force(db: Session) -> None:
    criteria = dict(row_of(db, "financial_advisors").matching_criteria)
    criteria["expertise_match"] = {**criteria["expertise_match"], "weight": 40}
    criteria["values_alignment"] = {**criteria["values_alignment"], "weight": 10}
    definition = edit(db, matching_criteria=criteria).definition
    assert definition.criteria["expertise_match"].weight == 40
    assert definition.gates == definitions()["financial_advisors"].gates


def test_an_edited_question_is_in_force(db: Session) -> None:
    pages = json.loads(json.dumps(row_of(db, "financial_advisors").intake_questions))
    pages[0]["title"] = "How can we help?"
    pages[0]["fields"][1]["max_items"] = 2
    definition = edit(db, intake_questions=pages).definition
    assert definition.intake[0].title == "How can we help?"
    assert definition.seeker["needs"].max_items == 2


@pytest.mark.parametrize(
    "columns",
    [
        {"matching_criteria": {"expertise_match": {"weight": 7, "label": "Expertise"}}},
        {"matching_criteria": {"expertise_match": 5}},
        {"intake_questions": {"no": "list"}},
        {"intake_questions": [{"title": "No fields?", "why": "None."}]},
        {"profile_fields": []},
        {"icon": "NOT AN ICON"},
    ],
)
def test_an_edit_that_breaks_a_rule_is_not_followed(db: Session, columns: dict[str, Any]) -> None:
    edited = edit(db, **columns)
    assert edited.definition is definitions()["financial_advisors"]
    assert queries.ignored_edits(db) == {"financial_advisors": edited.ignored_edit}


def test_an_edit_that_is_not_followed_is_logged_once(
    db: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs()
    # Once in a process: no other test, and this one on no other database, may have said it before.
    edit(db, icon=f"NO ICON OF ANY OTHER TEST, {db.get_bind().dialect.name}")
    service.activate(db, "therapists")  # all rows are read again
    assert "financial_advisors" in queries.ignored_edits(db)
    assert capsys.readouterr().out.count("category_edit_ignored") == 1


def test_activate_and_deactivate(db: Session) -> None:
    assert service.activate(db, "career_coaches").active
    assert active_names(db) == ["career_coaches", "financial_advisors"]
    assert queries.active_by_name(db, "career_coaches").name == "career_coaches"
    service.deactivate(db, "financial_advisors")
    assert active_names(db) == ["career_coaches"]
    with pytest.raises(queries.InactiveCategory, match="not active"):
        queries.active_by_name(db, "financial_advisors")


@pytest.mark.parametrize("name", ["plumbers", "", "\x00", "Ω" * 500, "financial_advisors'"])
def test_an_unknown_category_is_said_to_be_unknown(db: Session, name: str) -> None:
    for verb in (service.activate, service.deactivate, queries.by_name, queries.active_by_name):
        with pytest.raises(queries.UnknownCategory) as refused:
            verb(db, name)
        assert refused.value.status == 404
        assert len(refused.value.message) < 100


def test_plain_sql_opens_a_category_for_the_next_query(
    db: Session, new_session: Callable[[], Session]
) -> None:
    assert active_names(db) == ["financial_advisors"]
    db.rollback()
    with new_session() as outside:
        statement = "UPDATE categories SET active = TRUE WHERE name = 'career_coaches'"
        outside.execute(text(statement))
        outside.commit()
    with new_session() as request:
        assert active_names(request) == ["career_coaches", "financial_advisors"]


def test_a_row_without_a_definition_is_not_offered(db: Session) -> None:
    advisors = row_of(db, "financial_advisors")
    with atomic(db):
        db.add(
            Category(
                name="alchemists",
                active=True,
                definition_hash="0" * 64,
                **rows.held_by(advisors),
            )
        )
    assert "alchemists" not in active_names(db)
    with pytest.raises(queries.UnknownCategory):
        queries.by_name(db, "alchemists")
