"""Makes keys and values fit MLflow's rules, so that no projection is refused for its spelling."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from omniscope_registry.training_config import config_to_json, flatten

if TYPE_CHECKING:
    from google.protobuf.any_pb2 import Any as AnyMessage

MAX_VALUE_LENGTH: Final = 6000
"""Longest value of a parameter in MLflow; what is longer is cut."""

_MAX_KEY_LENGTH: Final = 250
_MAX_TAG_LENGTH: Final = 5000
_NOT_ALLOWED: Final = re.compile(r"[^A-Za-z0-9_\-. :/]")


def key(text: str) -> str:
    """Return a key that MLflow takes for metrics, parameters and tags."""
    fit = _NOT_ALLOWED.sub("_", text)[:_MAX_KEY_LENGTH]
    # MLflow reads keys as paths and takes only those that go straight down.
    return "/".join(part for part in fit.split("/") if part.strip(". ")) or "_"


def tag(text: str) -> str:
    """Return a value that MLflow takes for a tag."""
    return text[:_MAX_TAG_LENGTH]


def params(config: AnyMessage) -> dict[str, str]:
    """Return a training request as parameters: nested keys joined by dots, lists as JSON."""
    values = config_to_json(config)
    del values["@type"]
    return {key(name): _text(value) for name, value in flatten(values).items()}


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text[:MAX_VALUE_LENGTH]
