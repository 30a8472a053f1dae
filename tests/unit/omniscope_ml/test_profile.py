from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from omniscope_ml.datasets.ingest import ingest


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "upload"


def described(source: Path, frame: pd.DataFrame) -> dict[str, Any]:
    frame.to_parquet(source)
    return ingest(source, "parquet", source.parent)


def column(description: dict[str, Any], name: str) -> dict[str, Any]:
    return next(c for c in description["columns"] if c["name"] == name)


def marked(description: dict[str, Any], field: str) -> dict[str, Any]:
    return {c["name"]: c[field] for c in description["columns"] if c.get(field)}


def test_histograms_match_those_of_numpy(source: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, 30)), columns=[f"g{i}" for i in range(30)])
    frame.iloc[:5, 3] = np.nan
    frame["whole"] = rng.integers(-5, 50, size=200)

    description = described(source, frame)

    for name in frame.columns:
        expected = np.histogram(frame[name].dropna(), bins=10)[0].tolist()
        assert column(description, name)["histogram"] == expected


def test_a_column_that_does_not_spread_has_no_histogram(source: Path) -> None:
    frame = pd.DataFrame({"same": [2.5, 2.5], "empty": [np.nan, np.nan], "huge": [-1e308, 1e308]})

    assert marked(described(source, frame), "histogram") == {}


def test_constant_columns_are_marked_whatever_their_type(source: Path) -> None:
    frame = pd.DataFrame(
        {
            "float": [1.5, np.nan, 1.5],
            "int": [7, 7, 7],
            "text": ["a", None, "a"],
            "flag": [True, True, True],
            "empty": [np.nan] * 3,
            "other": [1.5, 1.5, 2.5],
            "texts": ["a", "b", "a"],
            "large": [2**60, 2**60 + 1, 2**60],
        }
    )

    description = described(source, frame)

    assert set(marked(description, "constant")) == {"float", "int", "text", "flag", "empty"}
    assert description["constant_column_count"] == 5


def test_repeated_columns_name_the_first_of_the_same_content(source: Path) -> None:
    frame = pd.DataFrame(
        {
            "a": [0.0, 1.5, np.nan],
            "b": [0.1, 1.5, np.nan],
            "copy": [-0.0, 1.5, np.nan],
            "again": [0.0, 1.5, np.nan],
            "moved": [1.5, 0.0, np.nan],
            "n": [1, 2, 3],
            "m": [1, 2, 3],
            "text": ["x", None, "y"],
            "same": ["x", None, "y"],
            "swapped": ["y", None, "x"],
        }
    )
    frame["gaps"] = pd.array([1, None, 3], dtype="Int64")
    frame["holes"] = pd.array([1, None, 3], dtype="Int64")
    frame["zeros"] = pd.array([1, 0, 3], dtype="Int64")

    description = described(source, frame)

    assert marked(description, "duplicate_of") == {
        "copy": "a",
        "again": "a",
        "m": "n",
        "same": "text",
        "holes": "gaps",
    }
    assert description["duplicate_column_count"] == 5


def test_thousands_of_repeated_columns_are_found(source: Path) -> None:
    values = np.random.default_rng(0).normal(size=(20, 1_000))
    frame = pd.DataFrame(np.hstack([values, values]), columns=[f"g{i}" for i in range(2_000)])

    found = marked(described(source, frame), "duplicate_of")

    assert found == {f"g{i + 1_000}": f"g{i}" for i in range(1_000)}


def test_warnings_say_what_to_look_at(source: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": [f"s{i}" for i in range(40)], "x": rng.normal(size=40)})
    frame.loc[7, "id"] = "s8"
    frame["copy"] = frame["x"]
    frame["zero"] = 0
    frame["one"] = "a"
    frame["empty"] = np.nan
    frame["rare"] = frame["x"].where(frame.index > 30)

    assert described(source, frame)["warnings"] == [
        "id looks like a sample id, but some values are there twice",
        "1 column has no value: empty",
        "2 columns have one value only: zero, one",
        "1 column repeats another: copy (as x)",
        "1 column is missing in most rows: rare",
    ]


def test_a_sample_id_that_is_missing_once_is_not_there_twice(source: Path) -> None:
    frame = pd.DataFrame({"id": [f"s{i}" for i in range(40)], "x": np.arange(40.0)})
    frame.loc[7, "id"] = None

    assert described(source, frame)["warnings"] == []


def test_a_warning_names_five_columns_and_counts_the_others(source: Path) -> None:
    frame = pd.DataFrame(np.zeros((3, 1_200)), columns=[f"g{i}" for i in range(1_200)])

    assert described(source, frame)["warnings"] == [
        "1,200 columns have one value only: g0, g1, g2, g3, g4 and 1,195 more"
    ]


def test_a_table_of_one_row_is_described(source: Path) -> None:
    description = described(source, pd.DataFrame({"id": ["a"], "x": [1.5]}))

    assert description["row_count"] == 1
    assert description["likely_key_columns"] == []
