"""Hash sealed rows again and compare them with their seals."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from sqlalchemy.orm import Session

from imatch.core.ids import MAX_BIGINT
from imatch.ledger.auditing.findings import Findings
from imatch.ledger.auditing.seal_reader import read_seals
from imatch.ledger.auditing.sums import check_balances, check_row_count, check_sums
from imatch.ledger.books import Book
from imatch.ledger.models import LedgerSeal
from imatch.ledger.sealing.rows import PAGE_ROWS, JournalReader
from imatch.ledger.sealing.seals import (
    DIGEST_BYTES,
    FIRST_HASH,
    MovementTally,
    chained_hash,
    digests,
)


@dataclass(slots=True)
class Chain:
    """The checked part of the chain of seals, and the findings in seals and rows."""

    findings: Findings
    tally: MovementTally = field(default_factory=MovementTally)
    seal_count: int = 0
    row_count: int = 0
    to_id: int = 0
    hash: str = FIRST_HASH
    system_balances: dict[str, Any] = field(default_factory=dict)
    has_published: bool = False


def rehash(db: Session, book: Book, *, published: str | None = None) -> Chain:
    """Compare sealed rows with digests, seals with their rows and predecessors, and all sums.

    `published` is a hash recorded outside the database: the chain must contain it.
    """
    chain = Chain(Findings(book.name), has_published=published in (None, FIRST_HASH))
    with chain.findings.reading("the seals"):
        _check_chain(db, book, chain, published)
    with chain.findings.reading("the sealed sums"):
        check_sums(db, book, chain.tally, chain.findings)
    with chain.findings.reading("what the last seal says"):
        _check_end(db, book, chain)
    if not chain.has_published:
        chain.findings.add("the published head", expected=published, found="no such seal")
    return chain


def _check_chain(db: Session, book: Book, chain: Chain, published: str | None) -> None:
    reader = JournalReader(book, db.connection())
    for seal in read_seals(db, book, chain.findings):
        _check_link(chain, seal)
        with chain.findings.reading(f"what is under {_description(seal)}"):
            _check_rows(chain, reader, seal)
        chain.seal_count += 1
        chain.row_count += seal.row_count
        chain.to_id, chain.hash = seal.to_id, seal.hash
        chain.system_balances = seal.system_balances
        chain.has_published = chain.has_published or seal.hash == published


def _check_end(db: Session, book: Book, chain: Chain) -> None:
    check_row_count(db, book, chain.row_count, chain.to_id, chain.findings)
    if chain.seal_count:
        check_balances(book, chain.tally, chain.system_balances, chain.findings)


def _check_link(chain: Chain, seal: LedgerSeal) -> None:
    if seal.from_id != chain.to_id + 1:
        chain.findings.add(
            f"the range of {_description(seal)} begins at",
            expected=chain.to_id + 1,
            found=seal.from_id,
        )
    if seal.previous_hash != chain.hash:
        chain.findings.add(
            f"the hash before {_description(seal)}", expected=chain.hash, found=seal.previous_hash
        )


def _check_rows(chain: Chain, reader: JournalReader, seal: LedgerSeal) -> None:
    max_rows = min(seal.row_count + PAGE_ROWS, MAX_BIGINT)
    rows = reader.texts(seal.from_id - 1, seal.to_id, max_rows, MovementTally.selected(reader))
    chain.tally.add(rows)
    texts = [row[1].encode() for row in rows]
    found = digests(texts)
    if found != seal.row_digests:
        _find_changes(chain.findings, seal, [row[0] for row in rows], found)
    hash_found = chained_hash(seal, texts)
    # Changed rows also change the hash: report only the rows.
    if hash_found != seal.hash and found == seal.row_digests:
        chain.findings.add(
            f"the hash of {_description(seal)}", expected=hash_found, found=seal.hash
        )
    elif hash_found == seal.hash and found != seal.row_digests:
        chain.findings.add(
            f"the row digests of {_description(seal)}",
            expected="those of its rows, which fit its hash",
            found="others",
        )


def _find_changes(findings: Findings, seal: LedgerSeal, ids: Sequence[int], found: bytes) -> None:
    """Add a finding for each changed, added or missing row of a sealed range."""
    before, after = _split_digests(seal.row_digests), _split_digests(found)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, from_before, to_before, from_after, to_after in matcher.get_opcodes():
        if tag == "equal":
            continue
        surplus = (to_after - from_after) - (to_before - from_before)
        for index in range(from_after, to_after):
            before_index = from_before + index - from_after
            existed = before_index < to_before
            findings.add(
                "the sealed row's digest" if existed else "a row among the sealed ones",
                row_id=ids[index],
                expected=before[before_index].hex() if existed else "no row",
                found=after[index].hex(),
            )
        if surplus < 0:
            below = ids[from_after - 1] if from_after else seal.from_id - 1
            above = ids[to_after] if to_after < len(ids) else seal.to_id + 1
            _find_missing(findings, below, above, set(ids[from_after:to_after]), -surplus)


def _find_missing(
    findings: Findings, below: int, above: int, present: set[int], missing: int
) -> None:
    """Add findings for missing rows. Ids have gaps, so the missing ids are not always certain."""
    if above - below - 1 - len(present) == missing:
        for row_id in set(range(below + 1, above)) - present:
            findings.add("a sealed row", row_id=row_id, expected="a row", found="none")
    else:
        findings.add(
            f"sealed rows between {below} and {above}",
            expected=missing + len(present),
            found=len(present),
        )


def _split_digests(row_digests: bytes) -> list[bytes]:
    return [
        row_digests[start : start + DIGEST_BYTES]
        for start in range(0, len(row_digests), DIGEST_BYTES)
    ]


def _description(seal: LedgerSeal) -> str:
    return f"the seal of rows {seal.from_id} to {seal.to_id}"
