"""States are members of their enums: no bare string stands where one belongs.

mypy checks what is typed. Queries, keywords, rows and templates take anything: there a string is
found by the name of the field that it meets (`status`, `phase` and whatever else a class declares
as an enum), when it is one of the enum's values.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import permutations
from pathlib import Path

import pytest
from jinja2 import nodes

from imatch.web.rendering import TEMPLATE_FOLDER, environment

SOURCE = Path(__file__).parents[2] / "src" / "imatch"
MIGRATIONS = SOURCE / "migrations" / "versions"  # they keep what the states once were
NO_STATES = {"name"}  # a book's name is an enum, other names are not
_SQL = re.compile(r"\b(\w+)\s*(?:=|<>|!=|(?:NOT )?IN)\s*\(?\s*'(\w+)'")


@cache
def _modules() -> dict[Path, ast.Module]:
    paths = [path for path in sorted(SOURCE.rglob("*.py")) if MIGRATIONS not in path.parents]
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}


@cache
def _fields() -> dict[str, dict[str, set[str]]]:
    """Each field that a class declares as an enum, with these enums and their values.

    As in `status: Mapped[Status]`, `phase: Phase = Phase.DIRECT` or `side: Side | None`.
    """
    nodes_of_all = (node for tree in _modules().values() for node in ast.walk(tree))
    classes = [node for node in nodes_of_all if isinstance(node, ast.ClassDef)]
    enums = {
        one.name: {
            text
            for line in one.body
            if isinstance(line, ast.Assign)
            for text in _strings(line.value)
        }
        for one in classes
        if any(isinstance(base, ast.Name) and base.id == "StrEnum" for base in one.bases)
    }
    fields: dict[str, dict[str, set[str]]] = defaultdict(dict)
    for line in (line for one in classes for line in one.body if isinstance(line, ast.AnnAssign)):
        kinds = set(re.findall(r"\w+", ast.unparse(line.annotation))) - {"Mapped", "None"}
        name = _name(line.target)
        if name and name not in NO_STATES and len(kinds) == 1 and kinds <= enums.keys():
            fields[name] |= {kind: enums[kind] for kind in kinds}
    return fields


def _name(node: ast.expr) -> str | None:
    """What a value is called: the last part of `row.status`, `status` or `row["status"]`."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
    return None


def _strings(node: ast.AST) -> Iterator[str]:
    """The strings that an expression can give, or that it lists."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from (*_strings(one), *_strings(other))
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            yield from (text for part in parts for text in _strings(part))


def _meetings(node: ast.AST) -> Iterator[tuple[str | None, ast.AST]]:
    """Names and what is compared with them, assigned or passed to them."""
    match node:
        case ast.Compare(left=left, comparators=others):
            yield from ((_name(one), other) for one, other in permutations([left, *others], 2))
        case ast.Call(func=ast.Attribute(value=column, attr="in_" | "not_in"), args=args):
            yield from ((_name(column), arg) for arg in args)
        case ast.keyword(arg=name, value=value):
            yield name, value
        case ast.Dict(keys=keys, values=values):
            texts = (key.value if isinstance(key, ast.Constant) else None for key in keys)
            yield from zip(map(str, texts), values, strict=True)
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            yield from zip(map(_name, targets), values, strict=True)
        case ast.Assign(targets=targets, value=value):
            yield from ((_name(target), value) for target in targets)


def _bare_states(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        found = [(name, text) for name, value in _meetings(node) for text in _strings(value)]
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found += _SQL.findall(node.value)
        for name, text in found:
            if any(text in values for values in _fields().get(name or "", {}).values()):
                yield f"{name} {text}"


def test_no_state_is_a_bare_string() -> None:
    bare = {
        str(path.relative_to(SOURCE)): found
        for path, tree in _modules().items()
        if (found := list(_bare_states(tree)))
    }
    assert bare == {}


@pytest.mark.parametrize(
    "line",
    [
        "award.status == 'queued'",
        "'queued' != row['status']",
        "status not in ('paid', other)",
        "PotAward.status.in_(['queued', 'paid'])",
        "PotAward(status='paid' if entry else 'queued')",
        "query.filter_by(phase='hold')",
        "row = {'status': 'queued'}",
        "award.status = 'paid'",
        "award.status, award.paid_at = 'paid', now()",
        "CheckConstraint(\"status IN ('queued', 'paid')\")",
        "sql = f\"SELECT 1 FROM {table} WHERE phase = 'hold'\"",
    ],
)
def test_a_bare_state_is_found(line: str) -> None:
    assert list(_bare_states(ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    [
        "award.status == AwardStatus.QUEUED",
        "award.reason == 'queued'",
        "answer.status == 'ok'",  # no state of ours
        "sql = f\"phase = '{Phase.HOLD}'\"",
    ],
)
def test_what_is_no_bare_state_is_left_alone(line: str) -> None:
    assert not list(_bare_states(ast.parse(line)))


def _states_in(template: str) -> dict[tuple[str, str], set[str]]:
    """By value and field: the strings that a template compares it with, or looks it up among."""
    tree = environment().parse(template)
    states: dict[tuple[str, str], set[str]] = defaultdict(set)

    def meet(one: nodes.Node, other: nodes.Node) -> None:
        if isinstance(one, nodes.Getattr) and one.attr in _fields():
            constants = [other, *other.find_all(nodes.Const)]
            texts = {part.value for part in constants if isinstance(part, nodes.Const)}
            states[repr(one.node), one.attr] |= texts

    for node in tree.find_all(nodes.Compare):
        for one, other in permutations([node.expr, *(operand.expr for operand in node.ops)], 2):
            meet(one, other)
    tables = {
        node.target.name: node.node
        for node in tree.find_all(nodes.Assign)
        if isinstance(node.target, nodes.Name) and isinstance(node.node, nodes.Dict)
    }
    for lookup in tree.find_all(nodes.Getitem):
        if isinstance(lookup.node, nodes.Name) and lookup.node.name in tables:
            for pair in tables[lookup.node.name].items:
                meet(lookup.arg, pair.key)
    return states


def _unknown_states(template: str) -> list[str]:
    return [
        f"{field}: {sorted(texts)}"
        for (_, field), texts in _states_in(template).items()
        if not any(texts <= values for values in _fields()[field].values())
    ]


def test_templates_name_states_of_one_enum() -> None:
    unknown = {
        str(path.relative_to(TEMPLATE_FOLDER)): found
        for path in TEMPLATE_FOLDER.rglob("*.html")
        if (found := _unknown_states(path.read_text(encoding="utf-8")))
    }
    assert unknown == {}


@pytest.mark.parametrize(
    "template",
    [
        "{% if order.status == 'odered' %}{% endif %}",
        "{{ 'a' if row.status in ('pending', 'queued') else 'b' }}",  # of two machines
        "{% set tones = {'pending': 'x', 'paied': 'y'} %}{{ tones[row.status] }}",
    ],
)
def test_an_unknown_state_in_a_template_is_found(template: str) -> None:
    assert _unknown_states(template)
