"""Fits all transforms on training rows and applies them to any table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from omniscope_ml.errors import DataError
from omniscope_ml.preprocessing.archive import Arrays, texts
from omniscope_ml.preprocessing.categories import CategoryTransform
from omniscope_ml.preprocessing.numbers import Matrix, NumberTransform
from omniscope_ml.preprocessing.options import PreprocessingOptions
from omniscope_ml.schema import Feature, align
from omniscope_ml.splits.parts import Rows

if TYPE_CHECKING:
    import pandas as pd

_FORMAT = 2
_TEXT = "string"


@dataclass(frozen=True)
class Preprocessor:
    """Learns transforms.

    Attributes:
        options: How columns become numbers.
    """

    options: PreprocessingOptions = field(default_factory=PreprocessingOptions)

    def fit(
        self, frame: "pd.DataFrame", features: Sequence[Feature], rows: Rows
    ) -> "FittedPreprocessor":
        """Learn from the training rows of a table; no other row is looked at.

        Args:
            frame: Holds at least the features, in any order.
            features: The columns to transform; texts become categories, all others numbers.
            rows: Places of the training rows.

        Raises:
            DataError: FEATURES_MISSING, COLUMN_DUPLICATED, FEATURE_TYPE_MISMATCH;
                DATASET_TOO_SMALL without a training row.
        """
        if not len(rows):
            raise DataError("there is no row to fit on", reason="DATASET_TOO_SMALL")
        training = align(frame.iloc[rows], features)
        numbers = NumberTransform.fit(_numbers(training, features), self.options)
        categories = CategoryTransform.fit(training[_names(features, text=True)], self.options)
        return FittedPreprocessor(tuple(features), numbers, categories)


@dataclass(frozen=True)
class FittedPreprocessor:
    """Transforms that were fitted on training rows.

    Attributes:
        features: The columns that it reads.
        numbers: What was learned of those that are numbers, in their order.
        categories: What was learned of those that are texts, in their order.
    """

    features: tuple[Feature, ...]
    numbers: NumberTransform
    categories: CategoryTransform

    @property
    def output_names(self) -> tuple[str, ...]:
        """The matrix's columns: numbers, then `missing(<column>)`, then `<column>=<category>`."""
        numbers = _names(self.features, text=False)
        indicated = np.flatnonzero(self.numbers.indicated)
        missing = [f"missing({numbers[place]})" for place in indicated]
        categories = self.categories.output_names(_names(self.features, text=True))
        return (*numbers, *missing, *categories)

    def transform(self, frame: "pd.DataFrame") -> npt.NDArray[np.float32]:
        """Return a table as a matrix without missing values, shape (rows, outputs).

        Args:
            frame: Holds at least the features, in any order.

        Raises:
            DataError: FEATURES_MISSING, COLUMN_DUPLICATED, FEATURE_TYPE_MISMATCH.
        """
        aligned = align(frame, self.features)
        numbers = self.numbers.transform(_numbers(aligned, self.features))
        if not self.categories.categories:
            return numbers
        texts_only = aligned[_names(self.features, text=True)]
        return np.hstack([numbers, self.categories.transform(texts_only)])

    def to_arrays(self) -> Arrays:
        """Return everything that was learned as plain arrays, by name."""
        return {
            "format": np.array(_FORMAT),
            "feature_names": texts([feature.name for feature in self.features]),
            "feature_types": texts([feature.type for feature in self.features]),
            **{f"numbers.{name}": array for name, array in self.numbers.to_arrays().items()},
            **{f"categories.{name}": array for name, array in self.categories.to_arrays().items()},
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "FittedPreprocessor":
        """Restore what `to_arrays` returned.

        Raises:
            DataError: PACKAGE_CORRUPT when arrays are missing or of another format.
        """
        try:
            check_format(arrays, _FORMAT)
            named = zip(arrays["feature_names"], arrays["feature_types"], strict=True)
            features = tuple(Feature(str(name), str(kind)) for name, kind in named)
            numbers = NumberTransform.from_arrays(_under("numbers.", arrays))
            categories = CategoryTransform.from_arrays(_under("categories.", arrays))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"the model package is damaged: its preprocessing lacks {error}",
                reason="PACKAGE_CORRUPT",
            ) from error
        return cls(features, numbers, categories)


def check_format(arrays: Arrays, known: int) -> None:
    """Refuse arrays of another version.

    Raises:
        DataError: PACKAGE_CORRUPT.
    """
    if int(arrays["format"]) != known:
        raise DataError(
            f"the model's preprocessing has format {int(arrays['format'])}; this version reads "
            f"{known}",
            reason="PACKAGE_CORRUPT",
        )


def _names(features: Sequence[Feature], *, text: bool) -> list[str]:
    return [feature.name for feature in features if (feature.type == _TEXT) == text]


def _numbers(aligned: "pd.DataFrame", features: Sequence[Feature]) -> Matrix:
    """Return the numeric columns, times as seconds since 1970, shape (rows, columns)."""
    numbers = aligned[_names(features, text=False)]
    if any(feature.type == "timestamp" for feature in features):
        numbers = numbers.apply(_seconds)
    return numbers.to_numpy(dtype=np.float64)


def _seconds(column: "pd.Series") -> "pd.Series":
    if column.dtype.kind != "M":
        return column
    whole = column.astype("int64") / 1e9
    return whole.where(column.notna())


def _under(prefix: str, arrays: Arrays) -> Arrays:
    return {n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)}
