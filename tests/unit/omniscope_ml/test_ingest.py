import hashlib
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from omniscope_ml.datasets.arrow_file import open_dataset
from omniscope_ml.datasets.ingest import DATA_FILE, REFUSED_STATUS, ingest, main
from omniscope_ml.errors import DataError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "upload"


def csv(source: Path, text: str) -> dict[str, Any]:
    source.write_text(text, encoding="utf-8")
    return ingest(source, "csv", source.parent)


def refusal(source: Path, content: bytes, source_format: str = "csv") -> DataError:
    source.write_bytes(content)
    with pytest.raises(DataError) as caught:
        ingest(source, source_format, source.parent)
    return caught.value


def column(description: dict[str, Any], name: str) -> dict[str, Any]:
    return next(c for c in description["columns"] if c["name"] == name)


def test_csv_is_stored_and_described(source: Path) -> None:
    description = csv(source, "id,gene,count,label\na,1.5,3,x\nb,,4,y\nc,2.5,NA,x\n")

    stored = source.parent / DATA_FILE
    assert description["row_count"] == 3
    assert description["column_count"] == 4
    assert description["missing_count"] == 2
    assert description["column_types"] == {"string": 2, "float32": 1, "int64": 1}
    assert description["likely_key_columns"] == ["id"]
    assert description["size_bytes"] == stored.stat().st_size
    assert description["digest"] == hashlib.sha256(stored.read_bytes()).hexdigest()


def test_profile_of_numbers_matches_pandas(source: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(50, 7)), columns=list("abcdefg"))
    frame.iloc[3, 2] = np.nan
    frame.iloc[:, 6] = np.nan

    description = csv(source, frame.to_csv(index=False))

    for name in "abcdef":
        described = column(description, name)
        assert described["missing_count"] == frame[name].isna().sum()
        assert described["min"] == pytest.approx(frame[name].min())
        assert described["mean"] == pytest.approx(frame[name].mean())
        assert described["max"] == pytest.approx(frame[name].max())
        assert described["standard_deviation"] == pytest.approx(frame[name].std())
        assert "distinct_count" not in described
    empty = column(description, "g")
    assert empty["missing_count"] == 50
    assert "min" not in empty
    assert "standard_deviation" not in empty


def test_standard_deviation_of_a_single_value_is_absent(source: Path) -> None:
    described = column(csv(source, "a,b\n1.5,\n,2\n"), "a")

    assert described["mean"] == 1.5
    assert "standard_deviation" not in described


def test_distinct_integers_are_counted_with_their_most_frequent_values(source: Path) -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(-40, 40, size=(500, 5))
    text = "\n".join(["a,b,c,d,e", *(",".join(map(str, row)) for row in values.tolist())])

    description = csv(source, text.replace("\n0,", "\n,"))

    for place, name in enumerate("abcde"):
        counts = pd.Series(values[:, place]).value_counts()
        if name == "a":
            counts = counts.drop(0)
        described = column(description, name)
        assert described["distinct_count"] == len(counts)
        assert len(described["top_values"]) == 20
        listed = [pair["count"] for pair in described["top_values"]]
        assert listed == sorted(counts.tolist(), reverse=True)[:20]
        assert all(counts[int(p["value"])] == p["count"] for p in described["top_values"])


def test_floats_that_are_whole_numbers_are_counted_as_labels_are_often_stored_so(
    source: Path,
) -> None:
    description = csv(
        source, "label,part,huge\n0.0,0.5,1e300\n1.0,1.0,1.0\n,2.0,\n10.0,,3.0\n1.0,1.0,\n"
    )

    label = column(description, "label")
    assert (label["missing_count"], label["distinct_count"]) == (1, 3)
    assert label["top_values"] == [
        {"value": "1.0", "count": 2},
        {"value": "0.0", "count": 1},
        {"value": "10.0", "count": 1},
    ]
    assert "distinct_count" not in column(description, "part")
    assert "distinct_count" not in column(description, "huge")


def test_distinct_values_beyond_the_bound_are_not_counted(source: Path) -> None:
    rows = [f"{i},k{i}" for i in range(1_001)]

    description = csv(source, "\n".join(["number,text", *rows]))

    assert "distinct_count" not in column(description, "number")
    assert "top_values" not in column(description, "text")
    assert description["likely_key_columns"] == ["text"]


def test_booleans_and_texts_list_their_values(source: Path) -> None:
    description = csv(source, "flag,sex\ntrue,m\nfalse,\ntrue,f\n")

    assert column(description, "flag")["type"] == "bool"
    assert column(description, "flag")["top_values"] == [
        {"value": "true", "count": 2},
        {"value": "false", "count": 1},
    ]
    assert column(description, "sex")["missing_count"] == 1
    assert column(description, "sex")["distinct_count"] == 2


def test_floats_are_narrowed_only_where_that_is_exact(source: Path) -> None:
    description = csv(source, f"half,tenth,big\n0.5,0.1,{2.0**30}\n1.25,0.2,1\n")

    assert column(description, "half")["type"] == "float32"
    assert column(description, "tenth")["type"] == "float64"
    assert column(description, "big")["type"] == "float32"


def test_large_integers_keep_every_digit(source: Path) -> None:
    csv(source, f"n,m\n{2**53 + 1},1\n{2**24 + 1},\n")

    dataset = open_dataset(source.parent / DATA_FILE)

    assert dataset.type_of("n") == "int64"
    assert dataset.column("n").to_pylist() == [2**53 + 1, 2**24 + 1]
    assert dataset.column("m").to_pylist() == [1, None]
    assert dataset.frame(["n"])["n"].tolist() == [2**53 + 1, 2**24 + 1]


def test_types_come_from_the_whole_file(source: Path) -> None:
    lines = ["n,s", *("1,2" for _ in range(300_000)), "1.5,x"]

    description = csv(source, "\n".join(lines))

    assert description["column_types"] == {"float32": 1, "string": 1}


def test_same_table_gives_the_same_digest(source: Path) -> None:
    assert csv(source, "a,b\n1,x\n2,\n")["digest"] == csv(source, "a,b\n1,x\n2,\n")["digest"]


@pytest.mark.parametrize(
    ("content", "reason", "words"),
    [
        (b"", "DATASET_EMPTY", "no bytes"),
        (b"\n\n", "DATASET_EMPTY", "no header"),
        (b"a,b\n", "DATASET_EMPTY", "no rows"),
        (b"a,b\n1,2\n3\n4,5\n", "DATASET_MALFORMED", "row 3 has 1 values but the header has 2"),
        (b"a,b\n1,2\n3,4,5\n", "DATASET_MALFORMED", "row 3 has 3 values but the header has 2"),
        (b"a,b\n1,\xe4,3\n", "DATASET_MALFORMED", "row 2 has 3 values but the header has 2"),
        (b"a,b,a\n1,2,3\n", "COLUMN_DUPLICATED", "'a' appears more than once"),
        (b",b\n1,2\n", "DATASET_MALFORMED", "column 1 has no name"),
        (b'a,"b\nc"\n1,2\n', "DATASET_MALFORMED", "control characters"),
        (b"a\tb\n1\t2\n", "DATASET_FORMAT_MISMATCH", "by commas, or format 'tsv' named"),
        (b"a;b\n1;2\n", "DATASET_FORMAT_MISMATCH", "separated by commas"),
        (b"a,b\n1,\xe4\n", "DATASET_FORMAT_MISMATCH", "UTF-8"),
        (b"a,b\n" + b"1,2\n" * 9999 + b"1,\xe4\n", "DATASET_FORMAT_MISMATCH", "'b' has text"),
        (b"a,b\n1,\0\n", "DATASET_FORMAT_MISMATCH", "zero byte at offset 6"),
        (b"\x1f\x8b\x08rest", "DATASET_FORMAT_MISMATCH", "gzip"),
        (b"PAR1rest", "DATASET_FORMAT_MISMATCH", "a Parquet file"),
        ("a,b\n1,2\n".encode("utf-16"), "DATASET_FORMAT_MISMATCH", "UTF-16"),
        (b"a,b\n1,2\n1,inf\n", "DATASET_MALFORMED", "'b' is infinite in data row 2"),
    ],
)
def test_unusable_csv_is_refused(source: Path, content: bytes, reason: str, words: str) -> None:
    error = refusal(source, content)

    assert error.reason == reason
    assert words in error.message
    assert error.field in {"data", "format"}


def test_quoted_newlines_commas_and_a_byte_order_mark_are_read(source: Path) -> None:
    csv(source, '\ufeffname,text\na,"one\ntwo, three"\n')

    dataset = open_dataset(source.parent / DATA_FILE)
    assert dataset.column_names == ["name", "text"]
    assert dataset.column("text").to_pylist() == ["one\ntwo, three"]


def test_parquet_keeps_its_types(source: Path) -> None:
    table = pa.table(
        {
            "f16": pa.array(np.array([1, 2], dtype=np.float16)),
            "f32": pa.array([0.1, None], pa.float32()),
            "u8": pa.array([1, 2], pa.uint8()),
            "money": pa.array([Decimal(1), Decimal(2)]),
            "day": pa.array([0, 1], pa.date32()),
            "category": pa.array(["a", "b"]).dictionary_encode(),
            "nothing": pa.nulls(2),
        }
    )
    pq.write_table(table, source)

    description = ingest(source, "parquet", source.parent)

    assert {c["name"]: c["type"] for c in description["columns"]} == {
        "f16": "float32",
        "f32": "float32",
        "u8": "int64",
        "money": "float32",
        "day": "timestamp",
        "category": "string",
        "nothing": "float32",
    }


def test_csv_and_parquet_of_one_table_are_stored_alike(source: Path) -> None:
    frame = pd.DataFrame({"a": [0.1, 2.5], "b": [1, 2], "c": ["x", None]})
    frame.to_parquet(source)
    from_parquet = ingest(source, "parquet", source.parent)

    assert csv(source, frame.to_csv(index=False)) == from_parquet


@pytest.mark.parametrize(
    ("content", "reason", "words"),
    [
        (b"a,b\n1,2\n", "DATASET_FORMAT_MISMATCH", "no known kind, not a Parquet file"),
        (b"PAR1 and more", "DATASET_FORMAT_MISMATCH", "cut short"),
        (b"PAR1xxxxPAR1", "DATASET_MALFORMED", "cannot be read as Parquet"),
    ],
)
def test_unusable_parquet_is_refused(
    source: Path, content: bytes, reason: str, words: str
) -> None:
    error = refusal(source, content, "parquet")

    assert error.reason == reason
    assert words in error.message


def test_parquet_with_nested_columns_is_refused(source: Path) -> None:
    pq.write_table(pa.table({"a": [1], "deep": [[1, 2]]}), source)

    error = refusal(source, source.read_bytes(), "parquet")

    assert error.reason == "DATASET_MALFORMED"
    assert "'deep' has type list" in error.message


def test_integer_beyond_64_bits_is_refused(source: Path) -> None:
    pq.write_table(pa.table({"a": pa.array([2**64 - 1], pa.uint64())}), source)

    assert "'a' has a value" in refusal(source, source.read_bytes(), "parquet").message


def test_unknown_format_is_refused(source: Path) -> None:
    error = refusal(source, b"a\n1\n", "xlsx")

    assert error.reason == "DATASET_FORMAT_UNKNOWN"
    assert "csv, csv.gz, tsv, tsv.gz, parquet, arrow, h5ad" in error.message


def test_program_prints_the_refusal_as_json(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source.write_bytes(b"a,a\n1,2\n")

    status = main(["--source", str(source), "--format", "csv", "--out", str(source.parent)])

    assert status == REFUSED_STATUS
    assert json.loads(capsys.readouterr().out)["error"]["reason"] == "COLUMN_DUPLICATED"


def test_program_describes_a_wide_table(source: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(20, 3_000))
    header = ",".join(f"g{i}" for i in range(3_000))
    np.savetxt(source, values, delimiter=",", header=header, comments="", fmt="%.6f")

    program = [sys.executable, "-m", "omniscope_ml.datasets.ingest"]
    arguments = ["--source", str(source), "--format", "csv", "--out", str(source.parent)]
    done = subprocess.run([*program, *arguments], capture_output=True, check=True)

    assert len(json.loads(done.stdout)["columns"]) == 3_000
    matrix = open_dataset(source.parent / DATA_FILE).matrix()
    assert matrix.shape == (20, 3_000)
    assert np.allclose(matrix, values, atol=1e-6)
