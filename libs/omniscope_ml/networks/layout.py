"""How the columns of a table become the tensor that a network reads."""

import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from omniscope_ml.errors import DataError

Kind = Literal["auto", "flat", "sequence", "image"]
Order = Literal["channels_first", "channels_last"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
ORDERS: Final[tuple[Order, ...]] = get_args(Order)

FIELD = "input_layout"
LARGEST_SIDE: Final = 1_000_000
# Recurrent networks take steps one after the other, attention compares all with all: longer
# sequences are patched unless a request says otherwise.
MOST_AUTOMATIC_STEPS: Final = 64

_SIDES: Final[Mapping[str, tuple[str, ...]]] = {
    "auto": (),
    "flat": (),
    "sequence": ("steps", "channels"),
    "image": ("height", "width", "channels"),
}


@dataclass(frozen=True, kw_only=True)
class InputLayout:
    """The shape that the values of a row stand for.

    Attributes:
        kind: `flat`: a vector. `sequence`: steps of channels. `image`: pixels of channels. `auto`:
            what suits the architecture and the number of columns.
        steps: Steps of a sequence, from 1.
        channels: Channels of a sequence or image, from 1.
        height: Rows of an image, from 1.
        width: Columns of an image, from 1.
        order: How the columns of the table run. `channels_first`: all steps or pixels of the first
            channel, then those of the second. `channels_last`: all channels of the first step or
            pixel, then those of the second.

    Raises:
        DataError: FIELD_INVALID, naming the field.
    """

    kind: Kind = "auto"
    steps: int = 0
    channels: int = 0
    height: int = 0
    width: int = 0
    order: Order = "channels_first"

    def __post_init__(self) -> None:
        _check_known("kind", self.kind, KINDS)
        _check_known("order", self.order, ORDERS)
        for side in ("steps", "channels", "height", "width"):
            self._check_side(side, getattr(self, side))

    @property
    def size(self) -> int | None:
        """Values that a row has; None where the layout does not say it."""
        sides = _SIDES[self.kind]
        return math.prod(getattr(self, side) for side in sides) if sides else None

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the sides in the order of the kind's fields; empty without sides."""
        return tuple(getattr(self, side) for side in _SIDES[self.kind])

    def _check_side(self, side: str, value: int) -> None:
        if side in _SIDES[self.kind]:
            if not 1 <= value <= LARGEST_SIDE:
                raise _invalid(side, value, f"1 to {LARGEST_SIDE} for kind {self.kind!r}")
        elif value:
            raise _invalid(side, value, f"nothing for kind {self.kind!r}")


def fitted_layout(
    layout: InputLayout, columns: int, architecture: str, allowed: tuple[Kind, ...]
) -> InputLayout:
    """Return the layout that a network reads: never `auto`, and one that holds all columns.

    Args:
        layout: What was asked for.
        columns: Values that preprocessing gives for each row.
        architecture: For messages, and what `auto` depends on.
        allowed: Kinds that the architecture reads, the one for `auto` first.

    Raises:
        DataError: LAYOUT_MISMATCH, naming the field.
    """
    if layout.kind == "auto":
        return automatic_layout(
            allowed[0], columns, patched=architecture in ("rnn", "lstm", "gru")
        )
    if layout.kind not in allowed:
        raise DataError(
            f"input_layout.kind is {layout.kind!r}; {architecture} reads {', '.join(allowed)}",
            reason="LAYOUT_MISMATCH",
            field=f"{FIELD}.kind",
        )
    if layout.size is not None and layout.size != columns:
        raise _does_not_fit(layout, columns)
    return layout


def automatic_layout(kind: Kind, columns: int, *, patched: bool) -> InputLayout:
    """Return a layout of a kind that holds so many columns; what is left over becomes zeros.

    >>> automatic_layout("image", 60, patched=False).shape
    (8, 8, 1)
    """
    if kind == "image":
        side = math.isqrt(columns - 1) + 1
        return InputLayout(kind="image", height=side, width=side, channels=1)
    if kind == "sequence":
        together = math.ceil(columns / MOST_AUTOMATIC_STEPS) if patched else 1
        steps = math.ceil(columns / together)
        return InputLayout(kind="sequence", steps=steps, channels=together, order="channels_last")
    return InputLayout(kind="flat")


def _does_not_fit(layout: InputLayout, columns: int) -> DataError:
    sides = _SIDES[layout.kind]
    product = " x ".join(f"{getattr(layout, side)} {side}" for side in sides)
    return DataError(
        f"input_layout is {product} = {layout.size} values; the features give {columns} columns "
        "(a text column gives one for each category, an indicator of missing values one more)",
        reason="LAYOUT_MISMATCH",
        field=f"{FIELD}.{sides[0]}",
    )


def _check_known(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise _invalid(name, value, ", ".join(known))


def _invalid(name: str, value: object, allowed: str) -> DataError:
    return DataError(
        f"input_layout.{name} is {reprlib.repr(value)}; allowed is {allowed}",
        reason="FIELD_INVALID",
        field=f"{FIELD}.{name}",
    )
