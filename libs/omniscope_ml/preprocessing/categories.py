"""Encodes text columns by the categories of the training rows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from omniscope_ml.preprocessing.archive import Arrays, texts
from omniscope_ml.preprocessing.options import PreprocessingOptions

if TYPE_CHECKING:
    import pandas as pd

OTHERS = "(other)"


@dataclass(frozen=True)
class CategoryTransform:
    """A transform fitted to text columns.

    Attributes:
        one_hot: Whether each category has a column; otherwise each has a number.
        categories: Known categories of each column, sorted by code point.
        others: What each column gives for all other texts when it is one-hot, shape
            (categories + 1,).
    """

    one_hot: bool
    categories: tuple[tuple[str, ...], ...]
    others: tuple[npt.NDArray[np.float32], ...]

    @classmethod
    def fit(cls, frame: "pd.DataFrame", options: PreprocessingOptions) -> "CategoryTransform":
        """Learn from training rows: texts, missing ones as None."""
        counts = [_counts(frame[name]) for name in frame.columns]
        known = tuple(_known(counted, options) for counted in counts)
        pairs = zip(counts, known, strict=True)
        others = tuple(_others(counted, those, len(frame)) for counted, those in pairs)
        return cls(options.encoding == "one_hot", known, others)

    def transform(self, frame: "pd.DataFrame") -> npt.NDArray[np.float32]:
        """Return the encoded columns, shape (rows, outputs)."""
        columns = zip(frame.columns, self.categories, self.others, strict=True)
        parts = [self._encoded(frame[name], known, others) for name, known, others in columns]
        empty = np.empty((len(frame), 0), dtype=np.float32)
        return np.hstack([empty, *parts])

    def output_names(self, columns: list[str]) -> list[str]:
        """Return the names of what `transform` gives: `<column>=<category>`, or the column's."""
        if not self.one_hot:
            return columns
        known = zip(columns, self.categories, strict=True)
        return [f"{name}={text}" for name, those in known for text in (*those, OTHERS)]

    def to_arrays(self) -> Arrays:
        """Return what was learned; all categories in one array, with the count of each column."""
        return {
            "one_hot": np.array(self.one_hot),
            "names": texts([text for known in self.categories for text in known]),
            "counts": np.array([len(known) for known in self.categories], dtype=np.int64),
            "others": np.concatenate([np.empty(0, dtype=np.float32), *self.others]),
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "CategoryTransform":
        """Restore what `to_arrays` returned."""
        parts = _split(arrays["names"], arrays["counts"])
        others = _split(arrays["others"], arrays["counts"] + 1)
        known = tuple(tuple(part.tolist()) for part in parts)
        return cls(bool(arrays["one_hot"]), known, tuple(others))

    def _encoded(
        self, column: "pd.Series", known: tuple[str, ...], others: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        import pandas as pd

        codes = pd.Categorical(column, categories=list(known)).codes.astype(np.int64)
        if not self.one_hot:
            return (codes + 1).astype(np.float32)[:, None]
        encoded = np.zeros((len(codes), len(known) + 1), dtype=np.float32)
        is_known = codes >= 0
        encoded[is_known, codes[is_known]] = 1
        encoded[~is_known] = others
        return encoded


def _counts(column: "pd.Series") -> dict[str, int]:
    return {str(text): count for text, count in column.value_counts().items()}


def _known(counts: dict[str, int], options: PreprocessingOptions) -> tuple[str, ...]:
    """Return the most frequent categories; of equally frequent ones those that sort first."""
    frequent = [text for text, count in counts.items() if count >= options.min_category_rows]
    ordered = sorted(frequent, key=lambda text: (-counts[text], text))
    return tuple(sorted(ordered[: options.most_categories]))


def _others(counts: dict[str, int], known: tuple[str, ...], rows: int) -> npt.NDArray[np.float32]:
    """Return what stands for all other texts.

    Where no training row has one, no model can learn what they mean: they stand in the middle of
    the training rows, so that predictions for them are near the base rate.
    """
    others = np.zeros(len(known) + 1, dtype=np.float32)
    known_counts = [counts[text] for text in known]
    if sum(known_counts) < rows:
        others[-1] = 1
    else:
        others[:-1] = np.array(known_counts) / rows
    return others


def _split(joined: npt.NDArray[Any], lengths: npt.NDArray[np.int64]) -> list[npt.NDArray[Any]]:
    return np.split(joined, np.cumsum(lengths, dtype=np.int64))[:-1]
