import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from omniscope_ml.datasets import gunzip
from omniscope_ml.datasets.arrow_file import open_dataset
from omniscope_ml.datasets.ingest import DATA_FILE, ingest
from omniscope_ml.errors import DataError

TEXT = "id\tgene\tlabel\na\t1.5\tx\nb\t\ty\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "upload"


def stored(source: Path, content: bytes, source_format: str) -> dict[str, Any]:
    source.write_bytes(content)
    return ingest(source, source_format, source.parent)


def refusal(source: Path, content: bytes, source_format: str) -> DataError:
    with pytest.raises(DataError) as caught:
        stored(source, content, source_format)
    return caught.value


@pytest.mark.parametrize(
    ("source_format", "content"),
    [
        ("csv", TEXT.replace("\t", ",").encode()),
        ("tsv", TEXT.encode()),
        ("csv.gz", gzip.compress(TEXT.replace("\t", ",").encode(), mtime=0)),
        ("tsv.gz", gzip.compress(TEXT.encode(), mtime=0)),
    ],
)
def test_text_is_read_with_commas_or_tabs_also_packed(
    source: Path, source_format: str, content: bytes
) -> None:
    description = stored(source, content, source_format)

    assert description["column_types"] == {"string": 2, "float32": 1}
    dataset = open_dataset(source.parent / DATA_FILE)
    assert dataset.column("gene").to_pylist() == [1.5, None]
    assert not (source.parent / "unpacked").exists()


def test_packed_files_of_several_members_are_read_whole(source: Path) -> None:
    content = gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n")

    assert stored(source, content, "csv.gz")["row_count"] == 2


def _arrow(table: pa.Table, *, stream: bool = False, compression: Any = None) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=20)
    return sink.getvalue().to_pybytes()


@pytest.fixture
def table() -> pa.Table:
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "id": [f"s{i}" for i in range(50)],
            "x": pa.array(rng.normal(size=50)),
            "kind": pa.array(["a", "b"] * 25).dictionary_encode(),
            "n": pa.array([None, 3] * 25),
        }
    )


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_arrow_files_and_streams_are_read_also_with_packed_buffers(
    source: Path, table: pa.Table, stream: bool, compression: str | None
) -> None:
    stored(source, _arrow(table, stream=stream, compression=compression), "arrow")

    dataset = open_dataset(source.parent / DATA_FILE)
    assert dataset.column_types == ["string", "float64", "string", "int64"]
    pd.testing.assert_frame_equal(
        dataset.frame(), table.to_pandas().astype({"kind": object}), check_dtype=False
    )


def test_feather_is_arrow(source: Path, table: pa.Table) -> None:
    pyarrow.feather.write_feather(table, source)

    assert ingest(source, "arrow", source.parent)["row_count"] == 50


def test_the_same_table_is_stored_alike_whatever_its_format(source: Path) -> None:
    table = pa.table({"a": [0.5, 2.5], "b": [1, 2], "c": ["x", None]})
    csv = b"a,b,c\n0.5,1,x\n2.5,2,\n"

    from_arrow = stored(source, _arrow(table), "arrow")

    assert stored(source, csv, "csv") == from_arrow
    assert stored(source, gzip.compress(csv.replace(b",", b"\t")), "tsv.gz") == from_arrow


@pytest.mark.parametrize(
    ("content", "source_format", "words"),
    [
        (b"a,b\n1,2\n", "tsv", "separated by tabs, or format 'csv' named"),
        (b"a;b\n1;2\n", "tsv", "has no '\\t' but ';'"),
        (b"a,b\n1,2\n", "csv.gz", "not csv.gz: it is text or of no known kind, not a gzip file"),
        (gzip.compress(b"a\n1\n", mtime=0), "csv", "not csv: it is a gzip file"),
        (gzip.compress(b"PAR1", mtime=0), "csv.gz", "not csv: it is a Parquet file"),
        (
            gzip.compress(gzip.compress(b"a\n1\n", mtime=0), mtime=0),
            "csv.gz",
            "not csv: it is a gzip file",
        ),
        (b"ARROW1\0\0", "parquet", "not parquet: it is an Arrow file, not a Parquet file"),
        (b"FEA1....", "arrow", "it is a Feather file of version 1"),
        (b"\x89HDF\r\n\x1a\n", "arrow", "not arrow: it is an HDF5 file"),
        (b"PARE....PARE", "parquet", "it is an encrypted Parquet file"),
        (b"PK\x03\x04....", "h5ad", "not h5ad: it is a zip file"),
        (b"\x80\x05\x95..", "h5ad", "not h5ad: it is a pickle"),
    ],
)
def test_a_file_of_another_format_is_refused_with_both_named(
    source: Path, content: bytes, source_format: str, words: str
) -> None:
    error = refusal(source, content, source_format)

    assert (error.reason, error.field) == ("DATASET_FORMAT_MISMATCH", "format")
    assert words in error.message


@pytest.mark.parametrize("cut", [12, 30, -4])
def test_a_packed_file_that_is_cut_short_is_refused(source: Path, cut: int) -> None:
    error = refusal(source, gzip.compress(TEXT.encode() * 20)[:cut], "tsv.gz")

    assert error.reason == "DATASET_MALFORMED"
    assert "cut short" in error.message


def test_a_packed_file_with_a_wrong_checksum_is_refused(source: Path) -> None:
    packed = bytearray(gzip.compress(TEXT.encode()))
    packed[-6] ^= 0xFF

    assert refusal(source, bytes(packed), "tsv.gz").reason == "DATASET_MALFORMED"


def test_a_packed_file_that_unpacks_beyond_its_ratio_is_refused(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gunzip, "FREE_BYTES", 2**20)
    bomb = gzip.compress(b"a\n" + b"0\n" * 2**21)

    error = refusal(source, bomb, "csv.gz")

    assert error.reason == "DATASET_TOO_LARGE"
    assert f"the file of {len(bomb)} bytes unpacks to more than the 1048576 bytes" in error.message
    assert [path.name for path in source.parent.iterdir()] == ["upload"]


@pytest.mark.parametrize("stream", [False, True])
def test_an_arrow_file_that_is_cut_short_is_refused(
    source: Path, table: pa.Table, stream: bool
) -> None:
    error = refusal(source, _arrow(table, stream=stream)[:-500], "arrow")

    assert error.reason == "DATASET_MALFORMED"
    assert "cannot be read as Arrow" in error.message


def test_arrow_with_nested_columns_or_a_name_twice_is_refused(source: Path) -> None:
    nested = pa.table({"deep": [[1, 2]]})
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])

    assert "'deep' has type list" in refusal(source, _arrow(nested), "arrow").message
    assert refusal(source, _arrow(twice), "arrow").reason == "COLUMN_DUPLICATED"


def test_an_arrow_file_without_rows_is_refused(source: Path) -> None:
    empty = pa.table({"a": pa.array([], pa.int64())})

    assert refusal(source, _arrow(empty), "arrow").reason == "DATASET_EMPTY"


def test_arrow_whose_offsets_lead_out_of_the_file_is_refused(source: Path) -> None:
    whole = _arrow(pa.table({"a": pa.array(["xx", "yy"])}))
    offsets, hostile = (
        np.array([0, 2, last], dtype=np.int32).tobytes() for last in (4, 2**31 - 1)
    )
    assert whole.count(offsets) == 1

    error = refusal(source, whole.replace(offsets, hostile), "arrow")

    assert error.reason == "DATASET_MALFORMED"


@pytest.mark.parametrize("source_format", ["arrow", "parquet"])
def test_a_name_that_is_not_utf8_is_refused(source: Path, source_format: str) -> None:
    table = pa.table({"name": [1, 2]})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, store_schema=False)
    whole = {"arrow": _arrow(table), "parquet": buffer.getvalue()}[source_format]

    error = refusal(source, whole.replace(b"name", b"n\xf1me"), source_format)

    assert error.reason == "DATASET_MALFORMED"
