"""`imatch ledger`: audit and seal the books, print statements."""

import csv
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.progress import Progress
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.accounts.service import administration
from imatch.cli.output import JsonOption, err, out, print_facts, print_json, print_table
from imatch.core.database import SessionLocal
from imatch.core.ids import is_id
from imatch.core.paging import decode_cursor
from imatch.core.text import csv_cell
from imatch.ledger import queries
from imatch.ledger.auditing.audit import Audit, audit, store
from imatch.ledger.books import BOOKS, Book, BookName
from imatch.ledger.models import JournalRow
from imatch.ledger.sealing.seals import seal
from imatch.web.formats import number

app = typer.Typer(
    help="Prove the books of POT and cash, seal them, print statements.", no_args_is_help=True
)

_MIN_ROWS_FOR_TWO_PROCESSES = 500_000  # with fewer, starting a second process takes longer
_PAGE_ROWS = 500
_MAX_FINDINGS_SHOWN = 50
_ENTRY_COLUMNS = (
    "id",
    "created_at",
    "transaction_type",
    "category",
    "phase",
    "amount",
    "balance_after",
    "held_after",
    "counter_account",
    "reference_type",
    "reference_id",
    "description",
)


BookOption = Annotated[BookName | None, typer.Option("--book", help="Only this book.")]


def _selected_books(name: BookName | None) -> list[Book]:
    return [BOOKS[name]] if name else list(BOOKS.values())


@app.command("audit")
def audit_books(
    *,
    book: BookOption = None,
    head: Annotated[
        str | None,
        typer.Option(help="A seal's hash that was noted elsewhere: it must still be there."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Prove every balance and every seal from the rows alone. Any finding exits with 1."""
    if head and not book:
        raise typer.BadParameter("Name the --book that the hash belongs to.", param_hint="--head")
    with SessionLocal() as db:
        results = [_audit_book(db, selected, head) for selected in _selected_books(book)]
        if as_json:
            print_json([asdict(result) for result in results])
        else:
            for result in results:
                _print_audit(result)
        _store_results(db, results)
    if any(result.findings for result in results):
        raise typer.Exit(1)


def _audit_book(db: Session, book: Book, published: str | None) -> Audit:
    last_id = db.scalar(select(func.max(book.journal.id))) or 0
    with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(f"Rows of the {book.name} book", total=last_id)
        return audit(
            db,
            book,
            published=published,
            progress=lambda rows: bar.update(task, advance=rows),
            in_two_processes=last_id >= _MIN_ROWS_FOR_TWO_PROCESSES,
        )


def _store_results(db: Session, results: list[Audit]) -> None:
    """Store the results for /health. A failure is only reported: the findings stay valid."""
    try:
        for result in results:
            store(db, result)
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or error
        err.print(f"The result could not be noted for /health: {reason}", markup=False)


def _print_audit(result: Audit) -> None:
    print_facts(
        f"The {result.book} book",
        {
            "Rows": number(result.row_count),
            "Accounts": number(result.account_count),
            "Seals": f"{number(result.seal_count)}, up to row {number(result.sealed_to)}",
            "Head": result.head,
            "Seconds": result.seconds,
            "Findings": number(result.finding_count) if result.findings else "none: drift 0",
        },
    )
    for finding in result.findings[:_MAX_FINDINGS_SHOWN]:
        out.print(str(finding), markup=False, highlight=False, soft_wrap=True)
    if result.finding_count > _MAX_FINDINGS_SHOWN:
        out.print(
            f"and {number(result.finding_count - _MAX_FINDINGS_SHOWN)} more;"
            " --json prints up to 1,000"
        )


@app.command("seal")
def seal_books(*, book: BookOption = None, as_json: JsonOption = False) -> None:
    """Seal what was posted since the last seal, and print the head to note elsewhere."""
    heads = []
    with SessionLocal() as db:
        for selected in _selected_books(book):
            rows = 0
            while sealed := seal(db, selected):
                rows += sealed
            heads.append({"book": selected.name, "rows_sealed": rows, **_head(db, selected)})
    if as_json:
        print_json(heads)
        return
    for row in heads:
        out.print(
            f"{row['book']}: {row['rows_sealed']} rows sealed, up to row {row['sealed_to']}."
            f" Head {row['head'] or 'none'}",
            highlight=False,
            soft_wrap=True,
        )


def _head(db: Session, book: Book) -> dict[str, object]:
    seal_row = queries.head(db, book)
    return {
        "sealed_to": seal_row.to_id if seal_row else 0,
        "head": seal_row.hash if seal_row else None,
    }


@app.command()
def statement(
    user: Annotated[str, typer.Argument(help="The person's id or e-mail address.")],
    *,
    book: Annotated[BookName, typer.Option("--book", help="Which book.")] = BookName.POT,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print all entries as CSV.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What a person has in a book, and the entries that made it so."""
    selected = BOOKS[book]
    with SessionLocal() as db:
        user_id = _id_of(db, user)
        if as_csv:
            _write_csv(_rows(db, selected, user_id))
            return
        rows = list(_rows(db, selected, user_id, limit))
        account = queries.account(db, selected, user_id)
        balance, held = (account.balance, account.held) if account else (0, 0)
        head = _head(db, selected)
    facts = {"user_id": user_id, "book": selected.name, "unit": selected.unit}
    facts |= {"balance": balance, "held": held, "free": balance - held, **head}
    if as_json:
        print_json(facts | {"entries": rows})
        return
    print_facts(f"User {user_id}", facts)
    columns = ("id", "created_at", "transaction_type", "category", "amount", "balance_after")
    print_table("Entries", columns, [[row[name] for name in columns] for row in rows])


def _id_of(db: Session, user: str) -> int:
    if not user.isdecimal():
        return administration.require_user(db, user).id
    account = db.get(User, int(user)) if is_id(int(user)) else None
    if account is None:
        raise administration.NoSuchUser(f"There is no account with the id {user}.")
    return account.id


def _rows(
    db: Session, book: Book, user_id: int, limit: int | None = None
) -> Iterator[dict[str, Any]]:
    """A person's entries, newest first, read in pages to limit memory."""
    after_id, remaining = None, limit
    while remaining is None or remaining > 0:
        page_size = _PAGE_ROWS if remaining is None else min(remaining, _PAGE_ROWS)
        page = queries.statement(db, book, user_id, after_id=after_id, limit=page_size)
        for row in page.items:
            yield _entry(row)
        db.expunge_all()
        after_id = decode_cursor(page.next_cursor)
        remaining = remaining if remaining is None else remaining - page_size
        if after_id is None:
            return


def _entry(row: JournalRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _ENTRY_COLUMNS}


def _write_csv(rows: Iterator[dict[str, Any]]) -> None:
    writer = csv.DictWriter(sys.stdout, _ENTRY_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        formatted = {
            "created_at": row["created_at"].isoformat(),
            "description": csv_cell(row["description"]),
        }
        writer.writerow(row | formatted)
