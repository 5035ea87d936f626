"""Read tables and triggers from PostgreSQL.

Each server version formats expressions in its own way. So the models' CHECKs are created again on
temporary tables, in a savepoint, and the server formats both these and the real ones.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from imatch.ledger.triggers import Trigger, digest

_TABLES = text("SELECT CAST(to_regclass(name) AS oid) FROM unnest(CAST(:names AS text[])) name")
_DEFINITIONS = text(r"""
    SELECT format('the column %s of %s', a.attname, c.relname) AS title,
           CASE WHEN a.attnotnull THEN 'NOT NULL' ELSE 'may be NULL' END AS definition
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.oid = ANY (:tables) AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
    SELECT format('the constraint %s of %s', k.conname, c.relname), pg_get_constraintdef(k.oid)
    FROM pg_class c JOIN pg_constraint k ON k.conrelid = c.oid
    WHERE c.oid = ANY (:tables) AND k.contype IN ('c', 'f')
  UNION ALL
    SELECT format('the unique index %s of %s', i.relname, c.relname),
           regexp_replace(pg_get_indexdef(i.oid), '^CREATE UNIQUE INDEX \S+ ON \S+ USING ', '')
           || CASE WHEN x.indisvalid AND x.indisready THEN '' ELSE ', not in force' END
    FROM pg_class c JOIN pg_index x ON x.indrelid = c.oid JOIN pg_class i ON i.oid = x.indexrelid
    WHERE c.oid = ANY (:tables) AND x.indisunique
  UNION ALL
    SELECT format('the rule %s of %s', r.rulename, c.relname),
           regexp_replace(pg_get_ruledef(r.oid), '\s+', ' ', 'g')
    FROM pg_class c JOIN pg_rewrite r ON r.ev_class = c.oid WHERE c.oid = ANY (:tables)
  UNION ALL
    SELECT format('row level security of %s', c.relname),
           CASE WHEN c.relforcerowsecurity THEN 'enabled, forced' ELSE 'enabled' END
    FROM pg_class c WHERE c.oid = ANY (:tables) AND c.relrowsecurity
""")
_READ_BACK = text("""
    DO $$ DECLARE k record; BEGIN
      FOR k IN SELECT CAST(conrelid AS regclass) AS name, conname, pg_get_constraintdef(oid) AS sql
        FROM pg_constraint WHERE contype = 'c' AND connamespace = pg_my_temp_schema()
      LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I %s',
                       k.name, k.conname, k.conname, k.sql);
      END LOOP;
    END $$
""")
_TRIGGERS = text(r"""
    SELECT t.tgname,
           regexp_replace(pg_get_triggerdef(t.oid),
             '^CREATE TRIGGER \S+ (.*) ON \S+ (FOR EACH .*) EXECUTE FUNCTION \S+$', '\1 \2')
           || CASE t.tgenabled WHEN 'D' THEN ', switched off'
                WHEN 'R' THEN ', only where changes are replicated' ELSE '' END,
           concat_ws(E'\n', l.lanname, p.prosecdef, p.proconfig, p.prosrc)
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_language l ON l.oid = p.prolang
    WHERE t.tgrelid = ANY (:tables) AND NOT t.tgisinternal
""")
# Connections with this setting write without triggers.
_WITHOUT_TRIGGERS = text("""
    SELECT format('of %s in %s', coalesce('the role ' || r.rolname, 'all roles'),
                  coalesce('the database ' || d.datname, 'all databases'))
    FROM pg_db_role_setting s
    LEFT JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase
    WHERE (s.setdatabase = 0 OR d.datname = current_database())
      AND 'session_replication_role=replica' IN (SELECT lower(one) FROM unnest(s.setconfig) one)
  UNION ALL
    SELECT 'of this connection' WHERE current_setting('session_replication_role') = 'replica'
""")


def found_definitions(connection: Connection, tables: Sequence[Table]) -> dict[str, str]:
    """Columns, constraints, unique indexes, rules and row level security, by title.

    No model has rules or row level security: these could hide rows or discard writes.
    """
    return _definitions(connection, [table.name for table in tables])


def expected_definitions(
    connection: Connection, tables: Sequence[Table], found: dict[str, str]
) -> dict[str, str]:
    """Columns, constraints and unique indexes as the models define them, by title.

    Restoring a backup parses the server's own formatting again, and the server may then format
    it differently. A definition found in that reparsed form is accepted too.
    """
    expected = dict(definition for table in tables for definition in _without_expressions(table))
    savepoint = connection.begin_nested()
    try:
        connection.execute(text(_temporary_tables(tuple(tables))))
        expected |= _temporary_checks(connection, tables)
        if expected != found:
            connection.execute(_READ_BACK)
            reread = _temporary_checks(connection, tables)
            expected |= {title: sql for title, sql in reread.items() if sql == found.get(title)}
        return expected
    finally:
        savepoint.rollback()


def found_triggers(connection: Connection, tables: Sequence[Table]) -> dict[str, Trigger]:
    oids = _oids(connection, [table.name for table in tables])
    return {
        name: Trigger(fires, digest(sql))
        for name, fires, sql in connection.execute(_TRIGGERS, {"tables": oids})
    }


def settings_without_triggers(connection: Connection) -> list[str]:
    return list(connection.scalars(_WITHOUT_TRIGGERS))


def _definitions(connection: Connection, names: list[str]) -> dict[str, str]:
    oids = _oids(connection, names)
    rows = connection.execute(_DEFINITIONS, {"tables": oids})
    return {row.title: row.definition for row in rows}


def _oids(connection: Connection, names: list[str]) -> list[int]:
    return [oid for oid in connection.scalars(_TABLES, {"names": names}) if oid is not None]


def _without_expressions(table: Table) -> Iterator[tuple[str, str]]:
    """Definitions that every server version formats equally: (title, definition)."""
    for column in table.columns:
        title = f"the column {column.name} of {table.name}"
        yield title, "may be NULL" if column.nullable else "NOT NULL"
    for constraint in table.foreign_key_constraints:
        other, other_column = constraint.elements[0].target_fullname.split(".")
        title = f"the constraint {constraint.name} of {table.name}"
        yield (
            title,
            f"FOREIGN KEY ({_column_list(constraint.columns)}) REFERENCES {other}({other_column})",
        )
    unique: list[PrimaryKeyConstraint | UniqueConstraint | Index] = [table.primary_key]
    unique += [each for each in table.constraints if isinstance(each, UniqueConstraint)]
    unique += [index for index in table.indexes if index.unique]
    for each in unique:
        yield (
            f"the unique index {each.name} of {table.name}",
            f"btree ({_column_list(each.columns)})",
        )


def _column_list(columns: Iterable[ColumnElement[Any]]) -> str:
    return ", ".join(column.name for column in columns)


def _temporary_checks(connection: Connection, tables: Sequence[Table]) -> dict[str, str]:
    definitions = _definitions(connection, [f"pg_temp.{table.name}" for table in tables])
    return {title: sql for title, sql in definitions.items() if "the constraint " in title}


@cache
def _temporary_tables(tables: tuple[Table, ...]) -> str:
    """SQL of temporary tables with only the columns and CHECKs of the models."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has no type
    statements = []
    for table in tables:
        checks = [each for each in table.constraints if isinstance(each, CheckConstraint)]
        if checks:
            temporary = Table(
                table.name,
                MetaData(naming_convention=table.metadata.naming_convention),
                *(Column(column.name, column.type) for column in table.columns),
                *(CheckConstraint(check.sqltext, name=check.name) for check in checks),
                schema="pg_temp",
            )
            statements.append(str(CreateTable(temporary).compile(dialect=dialect)))
    return ";".join(statements)
