"""Compiles the AIP-160 subset of the List RPCs to parametrised SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeAlias

from sqlalchemy import ColumnElement, exists, false

from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Column

_MAX_LENGTH = 2000
_TERM = re.compile(
    r"""\s*(?P<field>[A-Za-z_][A-Za-z0-9_.]*)
        \s*(?P<operator>!=|=)
        \s*(?P<value>"(?:[^"\\]|\\["\\])*")\s*""",
    re.VERBOSE,
)
_AND = re.compile(r"AND(?=\s)")
_ESCAPE = re.compile(r'\\(["\\])')


@dataclass(frozen=True)
class FilterField:
    """A column that may be filtered by.

    Attributes:
        column: What to compare.
        allowed: The only values that make sense; empty: any text.
    """

    column: ColumnElement[Any]
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class FilterMap:
    """A column with a JSON object whose entries may be filtered by, as `field.key`.

    Attributes:
        column: The object; its values are texts.
    """

    column: Column[Any]


@dataclass(frozen=True)
class FilterRelated:
    """A column of related rows: a row meets the filter when one of these does.

    Their table has an `owner`, and says by `repeated` which of them have the same value as an
    earlier one of the same row, so that each row is found once.

    Attributes:
        column: What to compare.
        related: The column of its table that refers to the rows of the list.
        key: What it refers to; the list is ordered by it.
    """

    column: Column[Any]
    related: Column[Any]
    key: Column[Any]


Filterable: TypeAlias = FilterField | FilterMap | FilterRelated | ColumnElement[Any]
"""A field or an expression that may be filtered by."""


class CompiledFilter(NamedTuple):
    """A filter as SQL.

    Attributes:
        conditions: All must hold.
        key: What to order and to page by in place of the list's key, which it equals: the rows are
            found through an index of the owner's related rows, in order. None: the list's key.
    """

    conditions: list[ColumnElement[bool]]
    key: ColumnElement[Any] | None


def compile_filter(text: str, fields: Mapping[str, Filterable], owner: str = "") -> CompiledFilter:
    r"""Compile `field = "value" AND field != "value"` to conditions, all of which must hold.

    Values are quoted; `\"` and `\\` stand for a quote and a backslash.

    Args:
        text: The filter; empty: no condition.
        fields: What may be filtered by, by the name that clients use.
        owner: Whose related rows count.

    Raises:
        InvalidArgument: Reason FILTER_INVALID, saying where and what is allowed.
    """
    if len(text) > _MAX_LENGTH:
        _refuse(f"filter has {len(text)} characters, at most {_MAX_LENGTH} are allowed")
    if "\0" in text:
        _refuse("filter has a zero byte, which no text that is kept has")
    conditions: list[ColumnElement[bool]] = []
    key: ColumnElement[Any] | None = None
    position = 0
    while text[position:].strip():
        if position:
            position = _skip_and(text, position)
        term = _TERM.match(text, position)
        if term is None:
            _refuse(
                f"filter {text!r} cannot be read from character {position + 1} on: "
                'expected field = "value" or field != "value"'
            )
        compiled = _term(term, fields, owner)
        conditions += compiled.conditions
        key = compiled.key if key is None else key
        position = term.end()
    return CompiledFilter(conditions, key)


def _skip_and(text: str, position: int) -> int:
    conjunction = _AND.match(text, position)
    if conjunction is None:
        _refuse(f"filter {text!r} needs AND before character {position + 1}")
    return conjunction.end()


def _term(term: re.Match[str], fields: Mapping[str, Filterable], owner: str) -> CompiledFilter:
    found = fields.get(term["field"])
    if not isinstance(found, FilterRelated):
        return CompiledFilter([_condition(term, fields)], None)
    value = _value(term)
    if term["operator"] == "!=":
        meets = exists().where(found.related == found.key, found.column == value)
        return CompiledFilter([~meets.correlate(found.key.table)], None)
    rows = found.column.table.alias()
    key = rows.c[found.related.name]
    meets_once = (rows.c[found.column.name] == value, rows.c.repeated == false())
    return CompiledFilter([key == found.key, rows.c.owner == owner, *meets_once], key)


def _value(term: re.Match[str]) -> str:
    return _ESCAPE.sub(r"\1", term["value"][1:-1])


def _condition(term: re.Match[str], fields: Mapping[str, Filterable]) -> ColumnElement[bool]:
    name, value = term["field"], _value(term)
    group, _, key = name.partition(".")
    found = fields.get(group)
    if isinstance(found, FilterMap) and key:
        entry = found.column[key].as_string()
        # An entry that is not there differs from every value.
        equal: ColumnElement[bool] = entry == value
        return equal if term["operator"] == "=" else entry.is_distinct_from(value)
    if found is None or key or isinstance(found, FilterMap | FilterRelated):
        _refuse(f"filter field {name!r} is not one of {_names(fields)}")
    field = found if isinstance(found, FilterField) else FilterField(found)
    if field.allowed and value not in field.allowed:
        _refuse(f"filter value {name} = {value!r} is not one of {', '.join(field.allowed)}")
    return field.column == value if term["operator"] == "=" else field.column != value


def _names(fields: Mapping[str, Filterable]) -> str:
    keyed = (name for name, field in fields.items() if isinstance(field, FilterMap))
    shown = {name: f"{name}.KEY" for name in keyed}
    return ", ".join(shown.get(name, name) for name in sorted(fields))


def _refuse(message: str) -> NoReturn:
    raise InvalidArgument(message, reason="FILTER_INVALID", field="filter")
