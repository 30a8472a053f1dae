import pytest

from omniscope_service.errors import InvalidArgument
from omniscope_service.names import check_name, is_id


@pytest.mark.parametrize("name", ["a", "GSE1234_raw-v1.2", "_x", "-", "x" * 128, "0" * 25])
def test_a_plain_name_is_accepted(name):
    assert check_name(name, field="name") == name


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "is empty"),
        ("x" * 129, "has 129 characters"),
        ("a b", "not allowed"),
        ("a\n", "not allowed"),
        (".", "not allowed"),
        ("é", "not allowed"),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "shaped like an id"),
        ("list", "is a word of REST paths"),
        ("01arz3ndektsv4rrffq69g5fav", "shaped like an id"),
    ],
)
def test_any_other_name_is_refused_and_told_why(name, problem):
    with pytest.raises(InvalidArgument, match=problem) as caught:
        check_name(name, field="model_name")

    assert (caught.value.field, caught.value.reason) == ("model_name", "NAME_INVALID")


def test_only_26_characters_of_crockfords_alphabet_are_an_id():
    assert is_id("01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert not is_id("81ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert not is_id("01ARZ3NDEKTSV4RRFFQ69G5FAU")
    assert not is_id("tissue7")
