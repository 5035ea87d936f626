import pytest
from pydantic import TypeAdapter, ValidationError

from imatch.core.ids import MAX_BIGINT, RowId, is_id


@pytest.mark.parametrize("value", [1, 42, 9_223_372_036_854_775_807])
def test_whole_numbers_from_one_to_the_largest_are_ids(value: int) -> None:
    assert is_id(value)
    assert TypeAdapter(RowId).validate_python(value) == value


@pytest.mark.parametrize("value", [0, -1, MAX_BIGINT + 1, 10**30])
def test_other_whole_numbers_are_no_ids(value: int) -> None:
    assert not is_id(value)
    with pytest.raises(ValidationError):
        TypeAdapter(RowId).validate_python(value)


@pytest.mark.parametrize("value", [True, 1.0, "1", None])
def test_values_of_another_type_are_no_ids(value: object) -> None:
    assert not is_id(value)
