"""The columns that a model reads, and how any table is brought into their shape."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from omniscope_ml.errors import DataError
from omniscope_ml.labels import label_text

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 10
_FLAGS = {"true": 1.0, "false": 0.0, True: 1.0, False: 0.0}


@dataclass(frozen=True)
class Feature:
    """A column that a model reads.

    Attributes:
        name: Its name.
        type: Its stored type: `float32`, `float64`, `int64`, `bool`, `string` or `timestamp`.
    """

    name: str
    type: str


def align(frame: "pd.DataFrame", features: Sequence[Feature]) -> "pd.DataFrame":
    """Return exactly the features of a table, in their order and with one type per kind.

    float32 columns stay float32, other numbers become float64, booleans 0 and 1 in float32, texts
    objects with None, timestamps datetime64[ns]; so a missing value changes no type. Training and
    prediction both go through here. Columns that are no features are ignored.

    Raises:
        DataError: FEATURES_MISSING naming them, COLUMN_DUPLICATED, FEATURE_TYPE_MISMATCH naming
            the column.
    """
    import pandas as pd

    _check_columns(frame, features)
    parts = []
    for kind in dict.fromkeys(feature.type for feature in features):
        names = [feature.name for feature in features if feature.type == kind]
        parts.append(_converted(_picked(frame, names), kind))
    aligned = parts[0] if len(parts) == 1 else pd.concat(parts, axis=1)
    return _picked(aligned, [feature.name for feature in features])


def _picked(frame: "pd.DataFrame", names: list[str]) -> "pd.DataFrame":
    # Picking copies, even where every column is picked.
    return frame if list(frame.columns) == names else frame[names]


def _check_columns(frame: "pd.DataFrame", features: Sequence[Feature]) -> None:
    present = set(frame.columns)
    missing = [feature.name for feature in features if feature.name not in present]
    if missing:
        rest = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise DataError(
            f"the model needs columns that are not there: {', '.join(missing[:_SHOWN])}{rest}",
            reason="FEATURES_MISSING",
        )
    if len(present) < len(frame.columns):
        twice = frame.columns[frame.columns.duplicated()][0]
        raise DataError(f"column {twice!r} appears more than once", reason="COLUMN_DUPLICATED")


def _converted(part: "pd.DataFrame", kind: str) -> "pd.DataFrame":
    if kind == "string":
        return _texts(part)
    if kind == "timestamp":
        return part.apply(_times)
    return _numbers(part, np.float32 if kind in ("float32", "bool") else np.float64)


def _numbers(part: "pd.DataFrame", dtype: type[np.float32 | np.float64]) -> "pd.DataFrame":
    if (part.dtypes == dtype).all():
        return part
    numeric = part.dtypes.map(lambda d: isinstance(d, np.dtype) and d.kind in "fiub").to_numpy()
    if numeric.all():
        return part.astype(dtype)
    converted = part.copy()
    for name in part.columns[~numeric]:
        converted[name] = _number_column(part[name])
    return converted.astype(dtype)


def _number_column(column: "pd.Series") -> "pd.Series":
    import pandas as pd

    plain = column.astype(object).map(lambda value: _FLAGS.get(value, value), na_action="ignore")
    numbers = pd.to_numeric(plain, errors="coerce")
    wrong = numbers.isna() & column.notna()
    if wrong.any():
        raise _mismatch(column, wrong.to_numpy(), "a number")
    return numbers


def _texts(part: "pd.DataFrame") -> "pd.DataFrame":
    return part.apply(_text_column)


def _text_column(column: "pd.Series") -> "pd.Series":
    return column.astype(object).where(column.notna(), None).map(_text, na_action="ignore")


def _text(value: object) -> str:
    return value if isinstance(value, str) else label_text(value)


def _times(column: "pd.Series") -> "pd.Series":
    import pandas as pd

    times = pd.to_datetime(column, errors="coerce", utc=True)
    wrong = times.isna() & column.notna()
    if wrong.any():
        raise _mismatch(column, wrong.to_numpy(), "a timestamp")
    return times.dt.tz_localize(None).astype("datetime64[ns]")


def _mismatch(column: "pd.Series", wrong: "np.ndarray", expected: str) -> DataError:
    return DataError(
        f"column {column.name!r} must hold {expected}; row {int(np.flatnonzero(wrong)[0]) + 1} "
        "does not",
        reason="FEATURE_TYPE_MISMATCH",
    )
