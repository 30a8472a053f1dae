from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import JSON, Column, column

from omniscope_registry.listing.filter import Filterable, FilterField, FilterMap, compile_filter
from omniscope_service.errors import InvalidArgument

FIELDS: dict[str, Filterable] = {
    "name": column("name"),
    "state": FilterField(column("status"), allowed=("queued", "running")),
    "tags": FilterMap(Column("tags", JSON)),
}


def compiled(text: str) -> list[tuple[str, dict[str, object]]]:
    conditions = (condition.compile() for condition in compile_filter(text, FIELDS).conditions)
    return [(str(condition), dict(condition.params)) for condition in conditions]


@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_filter_selects_everything(text):
    assert compiled(text) == []


def test_conditions_are_joined_by_and():
    assert compiled('name = "genes" AND state != "running"') == [
        ("name = :name_1", {"name_1": "genes"}),
        ("status != :status_1", {"status_1": "running"}),
    ]


def test_entries_of_an_object_are_filtered_by_their_keys():
    ((equal, _), (other, _)) = compiled('tags.team = "birds" AND tags.site.id != "4"')

    assert equal.endswith("= :param_1")
    assert "IS DISTINCT FROM" in other


@pytest.mark.parametrize("text", ['tags = "a"', 'tags. = "a"', 'name.first = "a"', 'a.b = "c"'])
def test_a_key_belongs_to_an_object_and_an_object_needs_one(text):
    with pytest.raises(InvalidArgument, match=r"is not one of name, state, tags\.KEY"):
        compile_filter(text, FIELDS)


def test_spaces_are_optional():
    assert compiled('name="a"AND state="queued" ') == compiled('name = "a" AND state = "queued"')


def test_and_is_a_value_like_any_other():
    assert compiled('name = "a AND b"') == [("name = :name_1", {"name_1": "a AND b"})]


def test_a_zero_byte_is_refused_because_postgresql_keeps_none():
    with pytest.raises(InvalidArgument, match="zero byte"):
        compiled('name = "a\0b"')


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=50))
def test_any_text_can_be_compared_with(value):
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')

    assert compiled(f'name = "{quoted}"') == [("name = :name_1", {"name_1": value})]


@pytest.mark.parametrize(
    "text",
    [
        "name",
        "name = genes",
        "name = 'genes'",
        'name > "a"',
        'name = "a" OR name = "b"',
        'name = "a" name = "b"',
        'name = "a" AND',
        'AND name = "a"',
        'name = "a',
        'NOT name = "a"',
        '(name = "a")',
        'owner = "ada"',
        'state = "sleeping"',
        'name = "a"; DROP TABLE jobs',
        'name = "' + "x" * 2000 + '"',
    ],
)
def test_what_is_no_filter_is_refused(text):
    with pytest.raises(InvalidArgument) as caught:
        compile_filter(text, FIELDS)

    assert (caught.value.reason, caught.value.field) == ("FILTER_INVALID", "filter")


@given(st.text(max_size=80))
def test_no_text_does_anything_but_compile_or_be_refused(text):
    with suppress(InvalidArgument):
        compile_filter(text, FIELDS)


def test_a_refusal_names_what_is_allowed():
    with pytest.raises(InvalidArgument, match="not one of name, state"):
        compile_filter('owner = "ada"', FIELDS)
    with pytest.raises(InvalidArgument, match="not one of queued, running"):
        compile_filter('state = "sleeping"', FIELDS)
