"""A training request, packed into `google.protobuf.Any`, as JSON and back.

The registry stores the requests of every service without knowing their types. Where it has to look
inside, it loads the generated messages that the services' entries name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf import any_pb2, descriptor_pool, json_format
from google.protobuf.message import DecodeError

from omniscope.common.v1 import hyperparameter_pb2
from omniscope_service.errors import InvalidArgument
from omniscope_suite.services import load_messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.descriptor import FieldDescriptor

# From this number on the fields of a request that trains are its service's own.
_OWN_FIELDS: Final = 40


def config_to_json(config: any_pb2.Any) -> dict[str, Any]:
    """Return a packed request as JSON with the protocol's field names, its type under `@type`.

    Raises:
        InvalidArgument: Nobody here knows its type; reason CONFIG_TYPE_UNKNOWN.
    """
    load_messages()
    try:
        values = json_format.MessageToDict(config, preserving_proto_field_name=True)
    except (TypeError, DecodeError) as error:
        raise _unknown(config.type_url) from error
    if not values:
        raise _unknown(config.type_url)
    return dict(values)


def config_from_json(values: Mapping[str, Any]) -> any_pb2.Any:
    """Return the packed request that `config_to_json` took."""
    load_messages()
    return json_format.ParseDict(dict(values), any_pb2.Any())


def hyperparameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a request, as `config_to_json` gave it, tunes the method."""
    name = values["@type"].rpartition("/")[2]
    fields = descriptor_pool.Default().FindMessageTypeByName(name).fields
    tuning = {field.name for field in fields if _is_hyperparameter(field)}
    return {name: value for name, value in values.items() if name in tuning}


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested objects as one, keys joined by dots; lists stay as they are."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        key = f"{prefix}{name}"
        flat |= flatten(value, f"{key}.") if isinstance(value, dict) else {key: value}
    return flat


def _unknown(type_url: str) -> InvalidArgument:
    return InvalidArgument(
        f"config of type {type_url[:128]!r} is no message of the suite's protocol.",
        reason="CONFIG_TYPE_UNKNOWN",
        field="config",
    )


def _is_hyperparameter(field: FieldDescriptor) -> bool:
    options = field.GetOptions()
    if options.HasExtension(hyperparameter_pb2.hyperparameter):
        return options.Extensions[hyperparameter_pb2.hyperparameter]
    return field.number >= _OWN_FIELDS
