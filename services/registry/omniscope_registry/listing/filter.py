"""Compiles the AIP-160 subset of the List RPCs to parametrised SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from sqlalchemy import ColumnElement

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


Filterable: TypeAlias = FilterField | FilterMap | ColumnElement[Any]
"""What may be filtered by."""


def compile_filter(text: str, fields: Mapping[str, Filterable]) -> list[ColumnElement[bool]]:
    r"""Compile `field = "value" AND field != "value"` to conditions, all of which must hold.

    Values are quoted; `\"` and `\\` stand for a quote and a backslash.

    Args:
        text: The filter; empty: no condition.
        fields: What may be filtered by, by the name that clients use.

    Raises:
        InvalidArgument: Reason FILTER_INVALID, saying where and what is allowed.
    """
    if len(text) > _MAX_LENGTH:
        _refuse(f"filter has {len(text)} characters, at most {_MAX_LENGTH} are allowed")
    if "\0" in text:
        _refuse("filter has a zero byte, which no text that is kept has")
    conditions: list[ColumnElement[bool]] = []
    position = 0
    while text[position:].strip():
        if conditions:
            position = _skip_and(text, position)
        term = _TERM.match(text, position)
        if term is None:
            _refuse(
                f"filter {text!r} cannot be read from character {position + 1} on: "
                'expected field = "value" or field != "value"'
            )
        conditions.append(_condition(term, fields))
        position = term.end()
    return conditions


def _skip_and(text: str, position: int) -> int:
    conjunction = _AND.match(text, position)
    if conjunction is None:
        _refuse(f"filter {text!r} needs AND before character {position + 1}")
    return conjunction.end()


def _condition(term: re.Match[str], fields: Mapping[str, Filterable]) -> ColumnElement[bool]:
    name, value = term["field"], _ESCAPE.sub(r"\1", term["value"][1:-1])
    group, _, key = name.partition(".")
    found = fields.get(group)
    if isinstance(found, FilterMap) and key:
        entry = found.column[key].as_string()
        # An entry that is not there differs from every value.
        equal: ColumnElement[bool] = entry == value
        return equal if term["operator"] == "=" else entry.is_distinct_from(value)
    if found is None or key or isinstance(found, FilterMap):
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
