"""`imatch match`: rank providers for a need given on the command line."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.markup import escape
from rich.panel import Panel
from rich.text import Text
from sqlalchemy.orm import Session

from imatch.categories import catalog, forms, places
from imatch.categories import queries as categories
from imatch.categories.schemas import CategoryDefinition, Importance, Kind
from imatch.cli.output import JsonOption, out, print_json
from imatch.core.database import SessionLocal, engine
from imatch.core.errors import Conflict, FieldError, Invalid
from imatch.matches import queries, rules, service
from imatch.matches.explaining import arithmetic as fit_arithmetic
from imatch.matches.explaining import stored as explanations
from imatch.matches.explaining.cards import price_of
from imatch.matches.models import MatchKind
from imatch.matches.pool import needs
from imatch.needs import rules as seeker_rules
from imatch.needs.service import BadAnswers, SafetyStop
from imatch.operations.database import current_revision
from imatch.providers.models import Provider
from imatch.ranking.types import Pick
from imatch.web.formats import number

_SEED = 1  # fixed, so that the same command gives the same result
_MAX_PEOPLE = 50


class UnclearPlace(Invalid):
    code = "unclear_place"


class NotSetUp(Conflict):
    code = "not_set_up"


class UnknownCategoryHere(Invalid):
    code = "unknown_category"


def _names(incomplete: str) -> list[str]:
    return [name for name in catalog.definitions() if name.startswith(incomplete)]


CategoryOption = Annotated[
    str, typer.Option(help="A category's name, such as financial_advisors.", autocompletion=_names)
]
NeedText = Annotated[str, typer.Option("--need", help="What you need, in your own words.")]
BudgetOption = Annotated[str, typer.Option(help="In dollars: 200, 1,500 or 15k.")]
UnitOption = Annotated[
    str, typer.Option(help="What the budget is for: session, hour, project, year.")
]
LocationOption = Annotated[str, typer.Option(help="Where you are, such as “San Francisco, CA”.")]
Format = Annotated[str, typer.Option("--format", help="in_person, remote or either.")]
AnswersOption = Annotated[
    list[str],
    typer.Option(
        "--answer", help="Another answer: field=value, values apart by commas. Repeat it."
    ),
]
Musts = Annotated[list[str], typer.Option("--must", help="A field that is a rule. Repeat it.")]
KindOption = Annotated[MatchKind, typer.Option("--kind", help="How the shortlist is made.")]
Criteria = Annotated[
    str, typer.Option(help="For custom_criteria and re_match: your own rule, or what was wrong.")
]
Besides = Annotated[
    list[str], typer.Option("--except", help="The slug of somebody to leave out. Repeat it.")
]
Count = Annotated[int | None, typer.Option(min=1, max=_MAX_PEOPLE, help="How many people.")]


def match(
    *,
    category: CategoryOption,
    need: NeedText,
    budget_min: BudgetOption = "",
    budget_max: BudgetOption = "",
    budget_unit: UnitOption = "session",
    location: LocationOption = "",
    meeting: Format = "",
    answer: AnswersOption = [],  # noqa: B006 -- typer copies it
    must: Musts = [],  # noqa: B006 -- typer copies it
    kind: KindOption = MatchKind.BASIC,
    criteria: Criteria = "",
    besides: Besides = [],  # noqa: B006 -- typer copies it
    count: Count = None,
    as_json: JsonOption = False,
) -> None:
    """Find people who fit a need, with reasons, a drawback and the arithmetic. Stores nothing."""
    if current_revision(engine()) is None:
        raise NotSetUp("The database has no tables yet. Call `imatch migrate` first.")
    with SessionLocal() as db:
        definition = _definition(db, category)
        raw = _raw_answers(need, location, meeting, answer)
        raw |= _raw_budget(budget_min, budget_max, budget_unit)
        values, importance = _validated(definition, raw, must)
        ranked, providers = service.rank(
            db,
            category,
            needs.stated_need(definition, values, importance, service.checked_criteria(criteria)),
            count=count or rules.PEOPLE[kind],
            seed=_SEED,
            exclude=queries.ids_of_slugs(db, besides),
        )
    picks = [(pick, providers[pick.provider_id]) for pick in ranked.picks]
    if as_json:
        print_json(_document(definition, kind, ranked, picks))
    else:
        _print(definition, ranked, picks)


def _definition(db: Session, category: str) -> CategoryDefinition:
    try:
        return categories.active_by_name(db, category).definition
    except categories.UnknownCategory as unknown:
        known = ", ".join(known.name for known in categories.all_categories(db))
        raise UnknownCategoryHere(f"{unknown.message} Known: {known}.") from unknown


# ---- options -> answers ----


def _raw_answers(
    need: str, location: str, meeting: str, answers: Sequence[str]
) -> dict[str, list[str]]:
    raw = {"needs_description": [need]}
    if meeting:
        raw["format"] = [meeting]
    if location:
        raw |= {f"place.{part}": [text] for part, text in _raw_place(location).items()}
    for text in answers:
        name, equals, value = text.partition("=")
        if not equals:
            raise Invalid(f"Write an answer as field=value, not “{text[:60]}”.")
        raw[name.strip()] = [part.strip() for part in value.split(",") if part.strip()]
    return raw


def _raw_budget(low: str, high: str, unit: str) -> dict[str, list[str]]:
    amounts = {"budget.min": low, "budget.max": high}
    amounts_given = {name: [amount] for name, amount in amounts.items() if amount}
    return amounts_given | {"budget.unit": [unit]} if amounts_given else {}


def _raw_place(location: str) -> dict[str, str]:
    matches = places.search(location)
    if not matches:
        raise UnclearPlace(f"No place called “{location[:60]}” is known here. Try “Oakland, CA”.")
    if len(matches) > 1:
        choices = "; ".join(places.describe(place) for place in matches[:5])
        raise UnclearPlace(f"“{location[:60]}” can be several places: {choices}. Say which.")
    return matches[0]


def _validated(
    definition: CategoryDefinition, raw: dict[str, list[str]], musts: Sequence[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Validated answers and importance, by the rules of pages and API.

    Raises BadAnswers or SafetyStop.
    """
    fields = definition.seeker
    names = {name.partition(".")[0] for name in raw}
    unknown = [
        FieldError(name, f"There is no question “{name[:40]}” here.")
        for name in sorted(names - set(fields))
    ]
    _add_implied_answers(definition, raw, musts)
    values, errors = forms.validate(
        definition, fields, forms.parse_form(definition, fields, fields, raw), require=True
    )
    screen = seeker_rules.safety_stop(definition, values)
    if screen is not None:  # people in danger see where to get help before any other error
        raise SafetyStop(screen)
    importance, level_errors = forms.validate_importance(
        fields, dict.fromkeys(musts, Importance.MUST)
    )
    field_errors = [*unknown, *errors, *level_errors]
    if field_errors:
        raise BadAnswers(field_errors)
    return values, {name: str(level) for name, level in importance.items()}


def _add_implied_answers(
    definition: CategoryDefinition, raw: dict[str, list[str]], musts: Sequence[str]
) -> None:
    """A must on a yes-or-no field implies the answer yes."""
    for name in musts:
        field = definition.seeker.get(name)
        if field is not None and field.kind is Kind.YES_NO:
            raw.setdefault(name, ["yes"])


# ---- people -> JSON or cards ----


def _document(
    definition: CategoryDefinition,
    kind: MatchKind,
    ranked: service.Ranked,
    picks: Sequence[tuple[Pick, Provider]],
) -> dict[str, Any]:
    return {
        "category": definition.name,
        "kind": kind,
        "considered": ranked.considered,
        "passed": ranked.passed,
        "rules": [asdict(effect) for effect in ranked.removed],
        "disclosures": list(definition.disclosures),
        "matches": [
            {
                "position": position,
                "slug": provider.slug,
                "name": provider.display_name,
                "headline": provider.headline,
                "price": price_of(definition, provider),
                **asdict(pick),
            }
            for position, (pick, provider) in enumerate(picks, start=1)
        ],
    }


def _print(
    definition: CategoryDefinition,
    ranked: service.Ranked,
    picks: Sequence[tuple[Pick, Provider]],
) -> None:
    people = definition.display_name.lower()
    out.print(
        f"Out of {number(ranked.considered)} {people}, {number(ranked.passed)} met every rule.",
        highlight=False,
    )
    for position, (pick, provider) in enumerate(picks, start=1):
        out.print(_panel(definition, position, pick, provider))
    if not picks:
        _print_rules(ranked)
    for sentence in definition.disclosures:
        out.print(f"[dim]{escape(sentence)}[/]", highlight=False)


def _panel(definition: CategoryDefinition, position: int, pick: Pick, provider: Provider) -> Panel:
    lines = [Text(provider.headline, style="dim"), Text(price_of(definition, provider))]
    lines += [
        Text.assemble(("+ ", "green"), (reason.want, "bold"), f": {reason.offer}")
        for reason in pick.reasons
    ]
    if pick.caveat:
        lines.append(Text.assemble(("! ", "yellow"), ("Worth knowing. ", "bold"), pick.caveat))
    arithmetic = fit_arithmetic.arithmetic_of(explanations.Explanation(pick, {}), pick.fit)
    points = number(arithmetic.points, 2)
    total = f"{points} of {arithmetic.weights} points, {arithmetic.fit:g} of 100"
    lines.append(Text(f"{arithmetic.formula} = {total}", style="dim"))
    name = escape(provider.display_name)
    new = " · new here" if pick.newcomer else ""
    title = f"{position}. [bold]{name}[/] · fit {pick.fit:g}{new}"
    return Panel(Group(*lines), title=title, title_align="left")


def _print_rules(ranked: service.Ranked) -> None:
    if not ranked.considered:
        out.print("Nobody in this category takes new people yet.")
    for effect in ranked.removed:
        hint = f"; without it, {number(effect.would_remain)}" if effect.relaxable else ""
        out.print(
            f"  {escape(effect.label)}: leaves out {number(effect.count)}{hint}", highlight=False
        )
