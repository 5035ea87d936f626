"""`imatch categories`: show, open and close categories, check definitions."""

from pathlib import Path
from typing import Annotated

import typer

from imatch.categories import catalog, queries, service
from imatch.categories.in_force import CategoryInForce
from imatch.cli.output import JsonOption, out, print_facts, print_json, print_table
from imatch.core.database import SessionLocal
from imatch.core.errors import Invalid

app = typer.Typer(help="Look at categories, open and close them.", no_args_is_help=True)


class InvalidDefinitions(Invalid):
    code = "invalid_definitions"


def _names(incomplete: str) -> list[str]:
    return [name for name in catalog.definitions() if name.startswith(incomplete)]


Name = Annotated[str, typer.Argument(help="A category's name.", autocompletion=_names)]


@app.command("list")
def list_all(*, as_json: JsonOption = False) -> None:
    """Every category and whether it is open."""
    with SessionLocal() as db:
        categories = queries.all_categories(db)
    if as_json:
        print_json([_summary(category) for category in categories])
        return
    columns = ("Name", "Shown as", "Open")
    rows = [
        (category.name, category.definition.display_name, _open(category))
        for category in categories
    ]
    print_table("Categories", columns, rows)


@app.command()
def show(name: Name, *, as_json: JsonOption = False) -> None:
    """One category as it is in force: pages, fields, rules, weights, fees."""
    with SessionLocal() as db:
        category = queries.by_name(db, name)
    if as_json:
        definition = category.definition.model_dump(mode="json")
        print_json({**_summary(category), "definition": definition})
        return
    _print_definition(category)


@app.command()
def activate(name: Name, *, as_json: JsonOption = False) -> None:
    """Open a category to seekers and providers."""
    with SessionLocal() as db:
        _confirm(service.activate(db, name), as_json=as_json)


@app.command()
def deactivate(name: Name, *, as_json: JsonOption = False) -> None:
    """Close a category to new seekers; what is under way goes on."""
    with SessionLocal() as db:
        _confirm(service.deactivate(db, name), as_json=as_json)


@app.command()
def validate(
    file: Annotated[
        Path | None, typer.Argument(help="A definition; without one, all that ship and all rows.")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Check definitions, and what operators changed in the database."""
    if file is None:
        errors = _errors_in_files(sorted(catalog.DEFINITIONS.glob("*.toml"))) or _errors_in_rows()
    else:
        errors = _errors_in_files([file])
    if as_json:
        print_json({"valid": not errors, "faults": errors})
    if errors:
        raise InvalidDefinitions("; ".join(errors))
    if not as_json:
        out.print("Valid.")


def _errors_in_files(files: list[Path]) -> list[str]:
    errors = []
    for file in files:
        try:
            catalog.load(file)
        except catalog.DefinitionError as error:
            errors.append(str(error))
    return errors


def _errors_in_rows() -> list[str]:
    with SessionLocal() as db:
        return [f"the row of {name}: {error}" for name, error in queries.ignored_edits(db).items()]


def _summary(category: CategoryInForce) -> dict[str, object]:
    display_name = category.definition.display_name
    return {"name": category.name, "display_name": display_name, "active": category.active}


def _open(category: CategoryInForce) -> str:
    return "yes" if category.active else "no"


def _confirm(category: CategoryInForce, *, as_json: bool) -> None:
    if as_json:
        print_json(_summary(category))
    else:
        state = "open" if category.active else "closed"
        out.print(f"“{category.definition.display_name}” is {state}.")


def _print_definition(category: CategoryInForce) -> None:
    definition = category.definition
    print_facts(
        definition.display_name,
        {
            "Open": _open(category),
            "Fees": definition.fees.model,
            "Sensitive": "yes" if definition.sensitive else "no",
            "Public ratings": "yes" if definition.reviews.public_ratings else "no",
        },
    )
    weights = ((criterion.label, criterion.weight) for criterion in definition.criteria.values())
    print_table("What counts, of 100", ("Part", "Weight"), weights)
    print_table(
        "Rules",
        ("Rule", "When", "May be relaxed"),
        ((gate.label, gate.when, "yes" if gate.relaxable else "no") for gate in definition.gates),
    )
    print_table(
        "Questions",
        ("Page", "Fields"),
        ((page.title, ", ".join(page.fields)) for page in definition.intake),
    )
