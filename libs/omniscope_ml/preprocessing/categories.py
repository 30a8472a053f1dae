"""Encodes text columns by the categories of the training rows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from omniscope_ml.preprocessing.archive import Arrays, texts
from omniscope_ml.preprocessing.options import PreprocessingOptions

if TYPE_CHECKING:
    import pandas as pd

OTHERS = "(other)"


@dataclass(frozen=True)
class CategoryTransform:
    """What was learned of text columns.

    Attributes:
        one_hot: Whether each category has a column; otherwise each has a number.
        categories: Known categories of each column, sorted by code point.
    """

    one_hot: bool
    categories: tuple[tuple[str, ...], ...]

    @classmethod
    def fit(cls, frame: "pd.DataFrame", options: PreprocessingOptions) -> "CategoryTransform":
        """Learn from training rows: texts, missing ones as None."""
        known = []
        for name in frame.columns:
            counts = frame[name].value_counts()
            known.append(tuple(sorted(counts.index[counts >= options.min_category_rows])))
        return cls(options.encoding == "one_hot", tuple(known))

    def transform(self, frame: "pd.DataFrame") -> npt.NDArray[np.float32]:
        """Return the encoded columns, shape (rows, outputs)."""
        parts = [
            self._encoded(frame[name], known)
            for name, known in zip(frame.columns, self.categories, strict=True)
        ]
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
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "CategoryTransform":
        """Restore what `to_arrays` returned."""
        ends = np.cumsum(arrays["counts"], dtype=np.int64)
        parts = np.split(arrays["names"], ends)[:-1]
        return cls(bool(arrays["one_hot"]), tuple(tuple(part.tolist()) for part in parts))

    def _encoded(self, column: "pd.Series", known: tuple[str, ...]) -> npt.NDArray[np.float32]:
        import pandas as pd

        codes = pd.Categorical(column, categories=list(known)).codes.astype(np.int64)
        if not self.one_hot:
            return (codes + 1).astype(np.float32)[:, None]
        return np.eye(len(known) + 1, dtype=np.float32)[codes]  # -1 is the last, the others
