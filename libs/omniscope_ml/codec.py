"""Dataclasses as values that JSON can carry, and back with every type checked.

A dataclass may hold `str`, `int`, `float`, `bool`, None, `Literal`, unions, lists, tuples of any
length, mappings by text, other dataclasses, and `Any`, which is not checked.
"""

import dataclasses
import reprlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
_Reader = Callable[[Any, Any, str], Any]
# Looked at first, for a spec may name 100,000 columns.
_PLAIN: Final = (str, int, float, NoneType)


def encode(instance: "DataclassInstance") -> dict[str, Any]:
    """Return a dataclass as an object, with every field by its name."""
    names = (field.name for field in dataclasses.fields(instance))
    return {name: _encoded(getattr(instance, name)) for name in names}


def decode(kind: type[T], values: object) -> T:
    """Return the dataclass that `encode` was given.

    Args:
        kind: The dataclass; its annotations must be there at run time.
        values: What `encode` returned, from JSON or as it was.

    Raises:
        ValueError: A key is missing, unknown or of another type; the message begins with its path.
            Also what the dataclass itself refuses.
    """
    decoded: T = _decoded(kind, values, kind.__name__)
    return decoded


def _encoded(value: Any) -> Any:
    if isinstance(value, _PLAIN):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return encode(value)
    if isinstance(value, Mapping):
        return {key: _encoded(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(entry) for entry in value]
    return value


def _decoded(form: Any, value: Any, path: str) -> Any:
    return _reader(form)(form, value, path)


@cache
def _reader(form: Any) -> _Reader:
    return _record if dataclasses.is_dataclass(form) else _BY_ORIGIN.get(get_origin(form), _plain)


def _record(form: Any, value: Any, path: str) -> Any:
    forms = _forms_of_fields(form)
    if type(value) is not dict:
        raise _wrong(path, value, f"an object with {', '.join(forms)}")
    for name in forms:
        if name not in value:
            raise ValueError(f"{path}.{name} is missing")
    for name in value:
        if name not in forms:
            raise ValueError(f"{path}.{name} is not known; allowed are {', '.join(forms)}")
    return form(**{name: _decoded(forms[name], value[name], f"{path}.{name}") for name in forms})


@cache
def _forms_of_fields(form: Any) -> dict[str, Any]:
    hints = get_type_hints(form)
    return {field.name: hints[field.name] for field in dataclasses.fields(form)}


def _plain(form: Any, value: Any, path: str) -> Any:
    if form is float and type(value) is int:
        return float(value)
    # By its very type, for a bool is an int, too.
    if form is not Any and type(value) is not form:
        raise _wrong(path, value, form.__name__)
    return value


def _choice(form: Any, value: Any, path: str) -> Any:
    if value not in get_args(form):
        raise _wrong(path, value, ", ".join(map(repr, get_args(form))))
    return value


def _member(form: Any, value: Any, path: str) -> Any:
    members = [member for member in get_args(form) if member is not NoneType]
    if value is None and NoneType in get_args(form):
        return None
    if len(members) == 1:
        return _decoded(members[0], value, path)
    for member in members:
        with suppress(ValueError):
            return _decoded(member, value, path)
    raise _wrong(path, value, " or ".join(member.__name__ for member in members))


def _sequence(form: Any, value: Any, path: str) -> Any:
    if not isinstance(value, list):
        raise _wrong(path, value, "a list")
    entry = get_args(form)[0]
    made = (_decoded(entry, one, f"{path}[{place}]") for place, one in enumerate(value))
    return get_origin(form)(made)


def _mapping(form: Any, value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        raise _wrong(path, value, "an object")
    entry = get_args(form)[1]
    return {key: _decoded(entry, one, f"{path}.{key}") for key, one in value.items()}


_BY_ORIGIN: Final[Mapping[Any, _Reader]] = {
    Literal: _choice,
    Union: _member,
    UnionType: _member,
    tuple: _sequence,
    list: _sequence,
    dict: _mapping,
    Mapping: _mapping,
}


def _wrong(path: str, value: object, allowed: str) -> ValueError:
    return ValueError(f"{path} is {reprlib.repr(value)}; allowed is {allowed}")
