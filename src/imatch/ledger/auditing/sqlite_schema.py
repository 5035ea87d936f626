"""Read tables and triggers from SQLite: the texts of their CREATE statements."""

import re
from collections.abc import Iterable, Sequence

from sqlalchemy import Column, Connection, MetaData, Row, Table, bindparam, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from imatch.core.columns import BigInt
from imatch.ledger.triggers import Trigger, digest

_TOKEN = re.compile(r"""'(?:[^']|'')*'|"[^"]*"|\w+|[<>=]+|\S""")
_QUOTED_NAME = re.compile(r'"\w+"')
_STORED = text(
    "SELECT type, name, tbl_name, sql FROM sqlite_master"
    # A trigger keeps its table's name in the letter case of its CREATE statement.
    " WHERE lower(tbl_name) IN :tables AND sql IS NOT NULL ORDER BY name"
).bindparams(bindparam("tables", expanding=True))
_TRIGGER = re.compile(r"CREATE TRIGGER \S+ (.*?) BEGIN .*")


def expected_definitions(tables: Sequence[Table]) -> dict[str, str]:
    """Columns, constraints and unique indexes as the models define them, by title."""
    dialect = sqlite.dialect()
    copies = MetaData(naming_convention=tables[0].metadata.naming_convention)
    Table("users", copies, Column("id", BigInt, primary_key=True))  # foreign keys need only this
    definitions: dict[str, str] = {}
    for table in [each.to_metadata(copies) for each in tables]:
        definitions |= _of_table(table.name, str(CreateTable(table).compile(dialect=dialect)))
        for index in table.indexes:
            definitions |= _of_index(table.name, str(CreateIndex(index).compile(dialect=dialect)))
    return definitions


def found_definitions(connection: Connection, tables: Sequence[Table]) -> dict[str, str]:
    """Columns, constraints and unique indexes as the database has them, by title."""
    definitions: dict[str, str] = {}
    for kind, _, table, sql in _stored(connection, tables):
        if kind == "table":
            definitions |= _of_table(table, sql)
        elif kind == "index":
            definitions |= _of_index(table, sql)
    return definitions


def found_triggers(connection: Connection, tables: Sequence[Table]) -> dict[str, Trigger]:
    return {
        name: Trigger(_TRIGGER.sub(r"\1", " ".join(sql.split())), digest(sql))
        for kind, name, _, sql in _stored(connection, tables)
        if kind == "trigger"
    }


def _stored(connection: Connection, tables: Sequence[Table]) -> Sequence[Row[str, str, str, str]]:
    return connection.execute(_STORED, {"tables": [table.name for table in tables]}).all()


def _of_table(table: str, sql: str) -> dict[str, str]:
    """Each definition inside the outer parentheses, and the rest of the statement.

    The order of definitions has no meaning: migrations add columns and constraints at the end.
    """
    outside: list[str] = []
    inside: list[list[str]] = [[]]
    depth = 0
    for part in _tokens(sql):
        depth -= part == ")"
        if depth == 0:
            outside.append(part)
        elif depth == 1 and part == ",":
            inside.append([])
        else:
            inside[-1].append(part)
        depth += part == "("
    definitions = {f"the table {table}": " ".join(outside)}
    for kind, *rest in filter(None, inside):
        label = f"constraint {rest[0]}" if kind == "CONSTRAINT" and rest else f"column {kind}"
        title = f"the {label} of {table}"
        definition = " ".join([kind, *rest])
        same_name = definitions.get(title)
        definitions[title] = f"{same_name}, {definition}" if same_name else definition
    return definitions


def _of_index(table: str, sql: str) -> dict[str, str]:
    """A unique index; empty for other indexes, which only serve speed."""
    tokens = list(_tokens(sql))
    if tokens[1].upper() != "UNIQUE":
        return {}
    return {f"the unique index {tokens[3]} of {table}": " ".join(tokens)}


def _tokens(sql: str) -> Iterable[str]:
    """Tokens, with names unquoted: renaming a table quotes its name, without other effect."""
    for token in _TOKEN.findall(sql):
        yield token.strip('"') if _QUOTED_NAME.fullmatch(token) else token
