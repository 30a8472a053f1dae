"""The table of architectures: what each is, what it suits, and what may be chosen.

The API lists it, so nothing here imports torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from omniscope_ml.errors import DataError
from omniscope_ml.networks.layout import Kind
from omniscope_ml.networks.parameters import FIELD, Parameter, Value, resolved

_MOST_HEADS: Final = 64


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """One kind of network.

    Attributes:
        name: Its name in requests.
        description: What it is, in a sentence.
        suited_for: Data that it suits.
        layouts: Kinds of input that it reads; `auto` means the first.
        parameters: What may be chosen.
    """

    name: str
    description: str
    suited_for: str
    layouts: tuple[Kind, ...]
    parameters: tuple[Parameter, ...]

    def resolved_parameters(self, given: Mapping[str, Any]) -> dict[str, Value]:
        """Return a value for every parameter.

        Raises:
            DataError: FIELD_INVALID, naming the parameter.
        """
        values = resolved(self.parameters, given, self.name)
        if "heads" in values:
            _check_heads(int(values["heads"]), int(values["width"]))
        return values


def _check_heads(heads: int, width: int) -> None:
    if width % heads:
        divisors = (str(n) for n in range(1, min(width, _MOST_HEADS) + 1) if width % n == 0)
        raise DataError(
            f"{FIELD}.heads is {heads}, which does not divide {FIELD}.width {width}; allowed are "
            f"{', '.join(divisors)}",
            reason="FIELD_INVALID",
            field=f"{FIELD}.heads",
        )


def _width(default: int, most: int = 1024) -> Parameter:
    return Parameter(
        name="width",
        description="Values that each layer passes on.",
        default=default,
        minimum=4,
        maximum=most,
    )


def _depth(default: int, what: str, most: int = 24) -> Parameter:
    return Parameter(
        name="depth", description=f"Number of {what}.", default=default, minimum=1, maximum=most
    )


_INPUT_DROPOUT = Parameter(
    name="input_dropout",
    description="Share of the input values that are left out of each training step.",
    default=0.0,
    minimum=0.0,
    maximum=0.9,
)
_KERNEL = Parameter(
    name="kernel",
    description="Neighbours that a convolution sees; even numbers see one more.",
    default=7,
    minimum=1,
    maximum=99,
)
_PATCH = Parameter(
    name="patch",
    description="Steps or features that become one token; 0 makes at most 64 tokens.",
    default=0,
    minimum=0,
    maximum=4096,
)

_MLP: Final = Architecture(
    name="mlp",
    description="Residual multilayer perceptron with a linear path beside it.",
    suited_for="Any table, spectra, wide omics data.",
    layouts=("flat",),
    parameters=(_width(128, most=4096), _depth(2, "residual blocks"), _INPUT_DROPOUT),
)
_CNN1D: Final = Architecture(
    name="cnn1d",
    description="Residual convolutions over steps, pooled over all of them.",
    suited_for="Time series, spectra, columns whose neighbours belong together.",
    layouts=("sequence",),
    parameters=(_width(32), _depth(3, "residual blocks", most=12), _KERNEL),
)
_CNN2D: Final = Architecture(
    name="cnn2d",
    description="Residual convolutions over an image, halved block by block.",
    suited_for="Small images; plain tables as a square.",
    layouts=("image",),
    parameters=(_width(32, most=256), _depth(3, "residual blocks", most=12)),
)
_TRANSFORMER: Final = Architecture(
    name="transformer",
    description="Attention between tokens: features, patches of features, or steps.",
    suited_for="Time series; tables with interactions and many rows.",
    layouts=("flat", "sequence"),
    parameters=(
        _width(64),
        _depth(2, "attention blocks"),
        Parameter(
            name="heads",
            description="Heads of attention; they divide the width.",
            default=4,
            minimum=1,
            maximum=_MOST_HEADS,
        ),
        _PATCH,
    ),
)


def _recurrent(name: str, description: str) -> Architecture:
    return Architecture(
        name=name,
        description=description,
        suited_for="Time series and other ordered columns.",
        layouts=("sequence",),
        parameters=(
            _width(64),
            _depth(1, "recurrent layers", most=12),
            Parameter(
                name="bidirectional",
                description="Whether steps are read from both ends.",
                default=True,
                minimum=False,
                maximum=True,
            ),
            _PATCH,
        ),
    )


ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    architecture.name: architecture
    for architecture in (
        _MLP,
        _CNN1D,
        _CNN2D,
        _recurrent("rnn", "Plain recurrent network, pooled by attention."),
        _recurrent("lstm", "Long short-term memory, pooled by attention."),
        _recurrent("gru", "Gated recurrent units, pooled by attention."),
        _TRANSFORMER,
    )
}


def find_architecture(name: str) -> Architecture:
    """Return an architecture by its name.

    Raises:
        DataError: ARCHITECTURE_UNKNOWN.
    """
    if name not in ARCHITECTURES:
        raise DataError(
            f"architecture is {name!r}; there are {', '.join(ARCHITECTURES)}",
            reason="ARCHITECTURE_UNKNOWN",
            field="architecture",
        )
    return ARCHITECTURES[name]
