"""Classes of a target column: how they are ordered, written and encoded."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from omniscope_ml.errors import DataError

LABEL_TYPES = ("string", "int64", "float64", "bool")


def label_text(value: object) -> str:
    """Return a label as it is written on the wire.

    >>> label_text(True), label_text(3), label_text(2.0), label_text("a")
    ('true', '3', '2.0', 'a')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return str(value)


@dataclass(frozen=True)
class ClassLabels:
    """The classes of a target, in the order of every probability vector.

    Attributes:
        values: Native labels, numbers sorted by value, texts by code point.
        label_type: `string`, `int64`, `float64` or `bool`.
    """

    values: tuple[Any, ...]
    label_type: str

    @classmethod
    def of(cls, labels: Sequence[Any]) -> "ClassLabels":
        """Find the classes of labels that have no missing values."""
        values = tuple(sorted(set(labels)))
        return cls(values=values, label_type=_label_type(values))

    @classmethod
    def from_texts(cls, texts: Sequence[str], label_type: str) -> "ClassLabels":
        """Restore classes from the form that a manifest holds."""
        return cls(values=tuple(_native(t, label_type) for t in texts), label_type=label_type)

    @property
    def texts(self) -> tuple[str, ...]:
        """The classes as written on the wire."""
        return tuple(label_text(value) for value in self.values)

    def codes(self, labels: Sequence[Any]) -> npt.NDArray[np.int64]:
        """Return the place of each label among the classes, shape (rows,)."""
        place = {value: code for code, value in enumerate(self.values)}
        return np.fromiter((place[label] for label in labels), dtype=np.int64, count=len(labels))

    def native(self, codes: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Return native labels for places, shape (rows,)."""
        dtype = object if self.label_type == "string" else self.label_type
        return np.asarray(self.values, dtype=dtype)[codes]

    def positive_code(self, positive_class: str | None) -> int:
        """Return the place of the class that binary metrics call positive: the second by default.

        Raises:
            DataError: POSITIVE_CLASS_UNKNOWN.
        """
        if positive_class is None:
            return 1
        if positive_class not in self.texts:
            raise DataError(
                f"positive class {positive_class!r} is none of the classes "
                f"{', '.join(self.texts)}",
                reason="POSITIVE_CLASS_UNKNOWN",
                field="positive_class",
            )
        return self.texts.index(positive_class)


def _label_type(values: Sequence[Any]) -> str:
    kinds = {bool: "bool", int: "int64", float: "float64"}
    return kinds.get(type(values[0]), "string") if values else "string"


def _native(text: str, label_type: str) -> Any:
    if label_type == "bool":
        return text == "true"
    convert = {"int64": int, "float64": float}.get(label_type, str)
    return convert(text)
