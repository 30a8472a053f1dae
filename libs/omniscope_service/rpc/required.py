"""Checks that the fields which a proto marks REQUIRED are there."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from google.api import field_behavior_pb2

from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor
    from google.protobuf.message import Message


class _Plan(NamedTuple):
    """The checks of a message type: required fields, and message fields to look into."""

    required: tuple[tuple[str, bool], ...]
    nested: tuple[tuple[str, bool, Descriptor], ...]


def check_required(message: Message) -> None:
    """Refuse a request without one of its required fields, also in its direct sub-messages.

    A scalar counts as missing when it has its default value, as proto3 cannot tell the two apart.

    Raises:
        InvalidArgument: Reason FIELD_REQUIRED, with the field's path.
    """
    plan = _plan(message.DESCRIPTOR)
    _check_level(message, plan, "")
    for name, repeated, descriptor in plan.nested:
        nested_plan = _plan(descriptor)
        if repeated:
            for index, item in enumerate(getattr(message, name)):
                _check_level(item, nested_plan, f"{name}[{index}].")
        elif message.HasField(name):
            _check_level(getattr(message, name), nested_plan, f"{name}.")


def _check_level(message: Message, plan: _Plan, prefix: str) -> None:
    for name, has_presence in plan.required:
        present = message.HasField(name) if has_presence else getattr(message, name)
        if not present:
            path = f"{prefix}{name}"
            raise InvalidArgument(f"{path} is required.", reason="FIELD_REQUIRED", field=path)


@lru_cache(maxsize=1024)
def _plan(descriptor: Descriptor) -> _Plan:
    required = tuple((f.name, f.has_presence) for f in descriptor.fields if _is_required(f))
    nested = tuple(
        (f.name, f.is_repeated, f.message_type)
        for f in descriptor.fields
        if f.message_type is not None
        and not f.message_type.GetOptions().map_entry
        and any(map(_is_required, f.message_type.fields))
    )
    return _Plan(required, nested)


def _is_required(field: FieldDescriptor) -> bool:
    behaviors = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    return field_behavior_pb2.REQUIRED in behaviors
