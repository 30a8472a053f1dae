"""The description of a network in a model package: enough to build it again, and no code."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omniscope_ml.codec import decode, encode
from omniscope_ml.errors import DataError
from omniscope_ml.networks.architectures import find_architecture
from omniscope_ml.networks.layout import InputLayout, fitted_layout
from omniscope_ml.networks.parameters import Value

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class NetworkDescription:
    """A network without its weights.

    Attributes:
        architecture: One of `ARCHITECTURES`.
        columns: Values that it reads for each row.
        outputs: Values that it gives: one for each class, or 1 for regression.
        layout: The shape of a row; never `auto`.
        parameters: A value for every parameter of the architecture.
        dropout: Share of the inner values that are left out of each training step.
        target_center: What its output 0 stands for; regression only.
        target_scale: What a difference of 1 in its output stands for; regression only.
    """

    architecture: str
    columns: int
    outputs: int
    layout: InputLayout
    parameters: Mapping[str, Value]
    dropout: float = 0.0
    target_center: float = 0.0
    target_scale: float = 1.0

    def to_json(self) -> str:
        """Return the description as `network.json` holds it."""
        return json.dumps({"format": FORMAT, **encode(self)}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "NetworkDescription":
        """Read what `to_json` returned, checked as a request would be.

        Raises:
            DataError: PACKAGE_CORRUPT.
        """
        try:
            values = json.loads(text)
            stored_format = values.pop("format")
            return _checked(decode(cls, values), stored_format)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"the model package is damaged: network.json describes no network: {error}",
                reason="PACKAGE_CORRUPT",
            ) from error


def describe_network(
    architecture: str,
    parameters: Mapping[str, Any],
    layout: InputLayout,
    *,
    columns: int,
    outputs: int,
    dropout: float = 0.0,
) -> NetworkDescription:
    """Return the description of a network that fits the data.

    Raises:
        DataError: ARCHITECTURE_UNKNOWN, FIELD_INVALID, LAYOUT_MISMATCH, naming the field.
    """
    chosen = find_architecture(architecture)
    return NetworkDescription(
        architecture=architecture,
        columns=columns,
        outputs=outputs,
        layout=fitted_layout(layout, columns, architecture, chosen.layouts),
        parameters=chosen.resolved_parameters(parameters),
        dropout=dropout,
    )


def _checked(found: NetworkDescription, stored_format: int) -> NetworkDescription:
    if stored_format != FORMAT:
        raise ValueError(f"this version reads format {FORMAT}")
    chosen = find_architecture(found.architecture)
    parameters = chosen.resolved_parameters(found.parameters)
    if parameters != found.parameters or found.layout.kind not in chosen.layouts:
        raise ValueError("its parameters or its layout are not those of the architecture")
    if found.columns < 1 or found.outputs < 1 or not 0 <= found.dropout < 1:
        raise ValueError("columns, outputs or dropout are out of range")
    if found.layout.size is not None and found.layout.size < found.columns:
        raise ValueError("its layout holds fewer values than it reads")
    return found
