"""Cursors decode to their id; foreign cursors are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imatch.core.paging import BadCursor, decode_cursor, encode_cursor, page_of


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_a_cursor_decodes_to_its_id(row_id: int) -> None:
    assert decode_cursor(encode_cursor(row_id)) == row_id


@given(st.text(max_size=80))
def test_any_other_text_is_refused_or_means_the_first_page(text: str) -> None:
    try:
        row_id = decode_cursor(text)
    except BadCursor:
        return
    assert row_id is None or encode_cursor(row_id) == text.rstrip("=")


def test_no_cursor_is_the_first_page() -> None:
    assert decode_cursor(None) is None


@pytest.mark.parametrize("cursor", ["aWQ6LTE", "aWQ6OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "!!!!", "aWQ6"])
def test_bad_cursors(cursor: str) -> None:
    with pytest.raises(BadCursor):
        decode_cursor(cursor)


def test_the_last_page_has_no_next() -> None:
    assert page_of([1, 2, 3], 2, lambda row: row).next_cursor == encode_cursor(2)
    assert page_of([1, 2], 2, lambda row: row).next_cursor is None
    assert page_of([], 2, lambda row: row).items == []
