"""How large a network is: what a row needs inside it, and what its weights need.

Only counting weights imports torch.
"""

import math
from typing import Final

from omniscope_ml.errors import DataError
from omniscope_ml.networks.description import NetworkDescription
from omniscope_ml.networks.layout import MOST_AUTOMATIC_STEPS
from omniscope_ml.networks.parameters import FIELD

# Values that a layer holds at once for each that it passes on: attention has queries, keys and
# values, a perceptron twice the width, an LSTM four gates for each direction.
_HELD_AT_ONCE: Final = 12
# A quarter of a GiB: more rows at once are not faster.
_MOST_VALUES: Final = 2**26
_MOST_ROWS: Final = 4096
# The first convolution of a cnn1d shortens longer sequences.
_MOST_CONVOLVED_STEPS: Final = 128
# Weights, their gradients, two moments of the optimizer, and the best epoch so far.
_COPIES: Final = 5
_BYTES_PER_WEIGHT: Final = 4
_GIB: Final = 2**30


def positions(description: NetworkDescription) -> int:
    """Return at how many positions a network looks at a row: pixels, steps or tokens; else 1."""
    layout = description.layout
    if layout.kind == "image":
        return layout.height * layout.width
    length = description.columns if layout.kind == "flat" else layout.steps
    if "patch" in description.parameters:
        return math.ceil(length / _patch(description, length))
    return 1 if layout.kind == "flat" else min(length, _MOST_CONVOLVED_STEPS)


def rows_at_once(description: NetworkDescription) -> int:
    """Return how many rows a network that does not train takes at once, from 1 to 4096."""
    inside = _HELD_AT_ONCE * positions(description) * int(description.parameters["width"])
    return max(1, min(_MOST_ROWS, _MOST_VALUES // (description.columns + inside)))


def multiplications(description: NetworkDescription, weights: int) -> int:
    """Return about how many multiplications a row takes.

    Args:
        description: The network.
        weights: How many weights it has.
    """
    once = 0
    if description.architecture == "transformer" and description.layout.kind == "flat":
        # Each feature has weights of its own, which are used at its place only.
        once = description.columns * int(description.parameters["width"])
    return once + (weights - once) * positions(description)


def count_weights(description: NetworkDescription) -> int:
    """Return how many weights a network has, without making it."""
    import torch

    from omniscope_ml.networks.build import build_network

    with torch.device("meta"):
        return sum(tensor.numel() for tensor in build_network(description).parameters())


def check_trainable(description: NetworkDescription, memory_bytes: int) -> None:
    """Refuse a network whose weights do not fit into memory as often as a training keeps them.

    Args:
        description: The network.
        memory_bytes: Memory of what trains it.

    Raises:
        DataError: FIELD_INVALID, naming the width.
    """
    weights = count_weights(description)
    needed = weights * _COPIES * _BYTES_PER_WEIGHT
    if needed > memory_bytes:
        raise DataError(
            f"{FIELD}.width is {description.parameters['width']}, which makes {weights:.3g} "
            f"weights of {description.columns} columns; to train them takes "
            f"{needed / _GIB:.1f} GiB, and there are {memory_bytes / _GIB:.1f} GiB; a smaller "
            f"{FIELD}.width or {FIELD}.depth, or fewer columns by feature_selection.top_k need "
            "less",
            reason="FIELD_INVALID",
            field=f"{FIELD}.width",
        )


def _patch(description: NetworkDescription, length: int) -> int:
    return int(description.parameters["patch"]) or math.ceil(length / MOST_AUTOMATIC_STEPS)
