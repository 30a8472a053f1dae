"""The part of a table that a division looks at: rows, their classes and one more column."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from omniscope_ml.errors import DataError
from omniscope_ml.splits.parts import Rows


@dataclass(frozen=True, kw_only=True)
class SplitTable:
    """The rows to divide.

    Attributes:
        rows: How many there are.
        codes: Class of each row, from 0, shape (rows,); None for regression.
        classes: The classes' names, for messages; codes stand for themselves where it is empty.
        values: Group, time or part of each row, shape (rows,); None for the other strategies.
        column: Name of the column that the values come from, for messages.
    """

    rows: int
    codes: Rows | None = None
    classes: tuple[str, ...] = ()
    values: npt.NDArray[Any] | None = None
    column: str = ""

    def take(self, rows: Rows) -> "SplitTable":
        """Return the table of some of the rows."""
        return SplitTable(
            rows=len(rows),
            codes=None if self.codes is None else self.codes[rows],
            classes=self.classes,
            values=None if self.values is None else self.values[rows],
            column=self.column,
        )

    def class_name(self, code: int) -> str:
        """Return what messages call a class."""
        return self.classes[code] if self.classes else str(code)

    def known_values(self, field: str) -> npt.NDArray[Any]:
        """Return the values after checking that every row has one.

        Args:
            field: Path of the request field that names the column.

        Raises:
            DataError: FIELD_REQUIRED without values, SPLIT_VALUE_MISSING with gaps.
        """
        import pandas as pd

        if self.values is None:
            raise DataError(f"the split needs {field}", reason="FIELD_REQUIRED", field=field)
        missing = int(np.count_nonzero(pd.isna(self.values)))
        if missing:
            raise DataError(
                f"{field} {self.column!r} has no value in {missing} of {self.rows} rows; the "
                "split needs one in each",
                reason="SPLIT_VALUE_MISSING",
                field=field,
            )
        return self.values
