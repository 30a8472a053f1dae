"""Stores what a model said about the rows that no training saw."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from omniscope_ml.labels import ClassLabels, label_text
from omniscope_ml.splits.parts import Rows


def write_class_predictions(
    path: Path,
    *,
    rows: Rows,
    keys: Sequence[object] | None,
    labels: ClassLabels,
    truth: Rows,
    predicted: Rows,
    probabilities: npt.NDArray[np.float64],
) -> None:
    """Write the held-out predictions of a classifier.

    Columns: row (place in the dataset), key (null without a key column), truth and prediction as
    texts, probabilities in the order of the classes.
    """
    texts = np.asarray(labels.texts, dtype=object)
    values = pa.array(probabilities.reshape(-1))
    columns = {
        **_rows_and_keys(rows, keys),
        "truth": pa.array(texts[truth], pa.string()),
        "prediction": pa.array(texts[predicted], pa.string()),
        "probabilities": pa.FixedSizeListArray.from_arrays(values, probabilities.shape[1]),
    }
    _write(path, columns)


def write_number_predictions(
    path: Path,
    *,
    rows: Rows,
    keys: Sequence[object] | None,
    truth: npt.NDArray[np.float64],
    predicted: npt.NDArray[np.float64],
) -> None:
    """Write the held-out predictions of a regression: row, key, truth and prediction."""
    columns = _rows_and_keys(rows, keys)
    _write(path, {**columns, "truth": pa.array(truth), "prediction": pa.array(predicted)})


def _rows_and_keys(rows: Rows, keys: Sequence[object] | None) -> "dict[str, pa.Array[Any]]":
    named = [None] * len(rows) if keys is None else [_key(key) for key in keys]
    return {"row": pa.array(rows, pa.int64()), "key": pa.array(named, pa.string())}


def _key(value: object) -> str | None:
    return None if value is None else label_text(value)


def _write(path: Path, columns: "dict[str, pa.Array[Any]]") -> None:
    batch = pa.RecordBatch.from_pydict(columns)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
