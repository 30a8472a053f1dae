from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from omniscope_ml.datasets.arrow_file import Dataset, open_dataset
from omniscope_ml.datasets.arrow_writer import stored_types, write_dataset
from omniscope_ml.datasets.columns import normalise
from omniscope_ml.errors import DataError


def stored(table: pa.Table, folder: Path) -> Dataset:
    batch = normalise(table)
    write_dataset(batch, stored_types(batch), folder / "data.arrow")
    return open_dataset(folder / "data.arrow")


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    table = pa.table(
        {
            "id": ["a", "b", "c"],
            "x": pa.array([0.5, None, 1.5], pa.float32()),
            "n": [1, None, 3],
            "y": [0.1, 0.2, None],
            "m": [4, 5, 6],
            "flag": [True, None, False],
            "z": pa.array([7, 8, 9], pa.float32()),
            "when": pa.array([0, 1, None], pa.timestamp("s")),
        }
    )
    return stored(table, tmp_path)


def test_names_and_types_keep_the_order_of_the_table(dataset: Dataset) -> None:
    assert dataset.column_names == ["id", "x", "n", "y", "m", "flag", "z", "when"]
    assert dataset.column_types == [
        "string",
        "float32",
        "int64",
        "float64",
        "int64",
        "bool",
        "float32",
        "timestamp",
    ]
    assert dataset.num_rows == 3


def test_columns_come_back_with_their_missing_values(dataset: Dataset) -> None:
    assert dataset.column("id").to_pylist() == ["a", "b", "c"]
    assert dataset.column("x").to_pylist() == [0.5, None, 1.5]
    assert dataset.column("n").to_pylist() == [1, None, 3]
    assert dataset.column("m").to_pylist() == [4, 5, 6]
    assert dataset.column("flag").to_pylist() == [True, None, False]


def test_whole_block_of_floats_is_a_view_of_the_file(dataset: Dataset) -> None:
    matrix = dataset.matrix(["x", "z"])

    assert matrix.dtype == np.float32
    assert not matrix.flags.owndata
    assert not matrix.flags.writeable
    assert np.array_equal(matrix, [[0.5, 7], [np.nan, 8], [1.5, 9]], equal_nan=True)


def test_matrix_of_several_types_is_float64_in_the_order_asked_for(dataset: Dataset) -> None:
    matrix = dataset.matrix(["z", "n", "y"])

    assert matrix.dtype == np.float64
    assert np.array_equal(matrix, [[7, 1, 0.1], [8, np.nan, 0.2], [9, 3, np.nan]], equal_nan=True)


def test_matrix_of_text_is_refused(dataset: Dataset) -> None:
    with pytest.raises(DataError, match="'id' is string") as caught:
        dataset.matrix(["x", "id"])

    assert caught.value.reason == "COLUMN_NOT_NUMERIC"


def test_unknown_column_is_named(dataset: Dataset) -> None:
    with pytest.raises(DataError, match="'nope'"):
        dataset.frame(["x", "nope"])


def test_frame_holds_the_columns_asked_for(dataset: Dataset) -> None:
    frame = dataset.frame(["m", "id", "n", "x", "flag", "when"])

    assert list(frame.columns) == ["m", "id", "n", "x", "flag", "when"]
    assert frame["m"].dtype == np.int64
    assert frame["n"].dtype == np.float64
    assert frame["x"].dtype == np.float32
    assert frame["id"].tolist() == ["a", "b", "c"]
    assert frame["when"].dtype == np.dtype("datetime64[ns]")
    assert frame["when"].isna().tolist() == [False, False, True]


def test_the_first_rows_open_alone(dataset: Dataset) -> None:
    head = dataset.head(2)

    assert head.num_rows == 2
    pd.testing.assert_frame_equal(
        head.frame(), dataset.frame().head(2), check_dtype=False, check_index_type=False
    )
    assert np.array_equal(head.matrix(["x", "z"]), [[0.5, 7], [np.nan, 8]], equal_nan=True)
    assert head.column("n").to_pylist() == [1, None]
    assert dataset.head(100).num_rows == 3


def test_whole_table_survives_the_way_through_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(30, 400)), columns=[f"g{i}" for i in range(400)])
    frame.insert(7, "label", ["a", "b"] * 15)

    dataset = stored(pa.Table.from_pandas(frame), tmp_path)

    pd.testing.assert_frame_equal(dataset.frame(), frame)


def test_file_that_is_no_dataset_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(b"not Arrow")

    with pytest.raises(DataError, match="not a stored dataset"):
        open_dataset(path)
