"""Builds messages; a value that a field cannot hold is named with its field and what it holds."""

from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from omniscope_client.errors import RequestError

MessageT = TypeVar("MessageT", bound=Message)

_BITS = {FieldDescriptor.CPPTYPE_INT32: 32, FieldDescriptor.CPPTYPE_INT64: 64}
_KINDS = {
    FieldDescriptor.CPPTYPE_DOUBLE: "numbers",
    FieldDescriptor.CPPTYPE_FLOAT: "numbers",
    FieldDescriptor.CPPTYPE_BOOL: "true and false",
    FieldDescriptor.CPPTYPE_STRING: "text",
    FieldDescriptor.CPPTYPE_ENUM: "one of its names",
}


def message(kind: type[MessageT], path: str = "", /, **fields: Any) -> MessageT:
    """Return a message of a kind with the fields that are not None.

    Args:
        kind: Its class.
        path: Where it lies in the request, `training` say. Default: it is the request.
        **fields: Its fields by name.

    Raises:
        RequestError: A field cannot hold its value; Python's own words name neither.
    """
    for name, value in fields.items():
        if _is_switch(kind, name) and value not in (None, True, False):  # 7 would count as true
            raise _type_mismatch(kind, name, path, value)
    try:
        return kind(**fields)
    except (TypeError, ValueError):
        for name, value in fields.items():
            if not _holds(kind, name, value):
                raise _type_mismatch(kind, name, path, value) from None
        raise


def _is_switch(kind: type[Message], name: str) -> bool:
    field = kind.DESCRIPTOR.fields_by_name[name]
    return field.cpp_type == FieldDescriptor.CPPTYPE_BOOL


def _holds(kind: type[Message], name: str, value: object) -> bool:
    try:
        kind(**{name: value})
    except (TypeError, ValueError):
        return False
    return True


def _type_mismatch(kind: type[Message], name: str, path: str, value: object) -> RequestError:
    held = _held_by(kind, name)
    named = f"{path}.{name}" if path else name
    shown = str(value) if isinstance(value, int | float) else repr(value)
    return RequestError(f"{named} is {shown}; its field holds {held}.", field=named)


def _held_by(kind: type[Message], name: str) -> str:
    """Return what a field holds, in words."""
    field = kind.DESCRIPTOR.fields_by_name[name]
    if field.message_type is not None:
        is_map = field.message_type.GetOptions().map_entry
        return "texts by name" if is_map else f"a {field.message_type.name}"
    if bits := _BITS.get(field.cpp_type):
        return f"whole numbers from {-(2 ** (bits - 1))} to {2 ** (bits - 1) - 1}"
    return _KINDS[field.cpp_type]
