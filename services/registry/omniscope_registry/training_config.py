"""A training request, packed into `google.protobuf.Any`, as JSON and back.

The registry stores the requests of every service without knowing their types. Where it has to look
inside, it loads the generated messages of the package that the type's name begins with.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import any_pb2, json_format
from google.protobuf.message import DecodeError

from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Mapping

_AREA = re.compile(r"/(omniscope\.[a-z]+\.v[0-9]+)\.")

# What start requests have for data, names and the call itself; the rest tunes the method.
_NOT_TUNING: Final = frozenset(
    {
        "@type",
        "dataset_id",
        "target_column",
        "feature_columns",
        "feature_columns_reference",
        "key_column",
        "group_column",
        "time_column",
        "split_column",
        "weight_column",
        "ignore_columns",
        "problem_type",
        "positive_class",
        "split",
        "model_name",
        "description",
        "tags",
        "experiment",
        "request_id",
        "validate_only",
    }
)


def config_to_json(config: any_pb2.Any) -> dict[str, Any]:
    """Return a packed request as JSON with the protocol's field names, its type under `@type`.

    Raises:
        InvalidArgument: Nobody here knows its type; reason CONFIG_TYPE_UNKNOWN.
    """
    _load_messages(config.type_url)
    try:
        values = json_format.MessageToDict(config, preserving_proto_field_name=True)
    except (TypeError, DecodeError) as error:
        raise _unknown(config.type_url) from error
    if not values:
        raise _unknown(config.type_url)
    return dict(values)


def config_from_json(values: Mapping[str, Any]) -> any_pb2.Any:
    """Return the packed request that `config_to_json` took."""
    _load_messages(values["@type"])
    return json_format.ParseDict(dict(values), any_pb2.Any())


def hyperparameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a request, as JSON, tunes the method."""
    return {name: value for name, value in values.items() if name not in _NOT_TUNING}


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


@cache
def _load_messages(type_url: str) -> None:
    area = _AREA.search(type_url)
    if area is None:
        return
    try:
        package = importlib.import_module(area[1])
    except ModuleNotFoundError:
        return
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.endswith("_pb2"):
            importlib.import_module(f"{area[1]}.{module.name}")
