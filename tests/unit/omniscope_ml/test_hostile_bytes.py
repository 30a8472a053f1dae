"""Whatever bytes come, a reader gives a dataset or a typed refusal: no crash, no other exception.

Each runs in this process: what would end the reader's child ends the test.
"""

import gzip
import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omniscope_ml.datasets.formats import FORMATS
from omniscope_ml.datasets.ingest import ingest
from omniscope_ml.errors import DataError
from tests.unit.omniscope_ml.h5ad_files import small_matrix, write_h5ad

REASONS = {
    "COLUMN_DUPLICATED",
    "DATASET_EMPTY",
    "DATASET_FORMAT_MISMATCH",
    "DATASET_MALFORMED",
    "DATASET_TOO_LARGE",
    "DATASET_TOO_WIDE",
    "DATASET_UNSAFE",
}
TEXT = b'id,x,label\ns1,1.5,a\ns2,,"b, c"\ns3,2,a\n'
STARTS = (b"", b"PAR1", b"ARROW1\0\0", b"\xff\xff\xff\xff", b"\x89HDF\r\n\x1a\n", b"\x1f\x8b\x08")

# Always the same bytes: a crash in a C library must show where it came in, not by chance.
fuzz = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def judged(content: bytes, source_format: str) -> None:
    """Read bytes; anything but a description or a refusal fails the test."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "upload"
        source.write_bytes(content)
        answer = _outcome(source, source_format)
    if isinstance(answer, DataError):
        assert answer.reason in REASONS
        assert answer.message
    else:
        assert answer["row_count"] > 0
        assert len(answer["columns"]) == answer["column_count"]


def _outcome(source: Path, source_format: str) -> dict[str, Any] | DataError:
    try:
        return ingest(source, source_format, source.parent)
    except DataError as error:
        return error


def _arrow(table: pa.Table, *, stream: bool) -> bytes:
    sink = pa.BufferOutputStream()
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def _valid_files() -> dict[str, tuple[str, bytes]]:
    table = pa.table(
        {"id": ["a", "b"], "x": [0.5, None], "k": pa.array(["u", "v"]).dictionary_encode()}
    )
    parquet = io.BytesIO()
    pq.write_table(table, parquet)
    with tempfile.TemporaryDirectory() as folder:
        labels = {"codes": np.array([0, 1, 0, 1, 0, 1], np.int8), "categories": ["B", "T"]}
        h5ad = write_h5ad(Path(folder) / "file", small_matrix(), {"type": labels}).read_bytes()
    return {
        "csv": ("csv", TEXT),
        "tsv": ("tsv", TEXT.replace(b",", b"\t")),
        "gzip": ("csv.gz", gzip.compress(TEXT)),
        "parquet": ("parquet", parquet.getvalue()),
        "arrow file": ("arrow", _arrow(table, stream=False)),
        "arrow stream": ("arrow", _arrow(table, stream=True)),
        "h5ad": ("h5ad", h5ad),
    }


VALID = _valid_files()


@pytest.mark.parametrize("source_format", FORMATS)
@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=400))
@fuzz
def test_random_bytes_are_judged(source_format: str, start: bytes, rest: bytes) -> None:
    judged(start + rest, source_format)


@pytest.mark.parametrize("kind", VALID)
@given(data=st.data())
@fuzz
def test_valid_files_with_changed_bytes_are_judged(kind: str, data: st.DataObject) -> None:
    judge_changed(kind, data)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", VALID)
@given(data=st.data())
@settings(fuzz, max_examples=300)
def test_many_more_files_with_changed_bytes_are_judged(kind: str, data: st.DataObject) -> None:
    judge_changed(kind, data)


def judge_changed(kind: str, data: st.DataObject) -> None:
    source_format, content = VALID[kind]
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 8))):
        changed[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    judged(bytes(changed), source_format)


@pytest.mark.parametrize("kind", VALID)
@given(data=st.data())
@fuzz
def test_valid_files_that_are_cut_or_doubled_are_judged(kind: str, data: st.DataObject) -> None:
    source_format, content = VALID[kind]
    cut = data.draw(st.integers(0, len(content)))

    judged(content[:cut], source_format)
    judged(content[:cut] + content, source_format)
    judged(content[:cut] + content[data.draw(st.integers(0, len(content))) :], source_format)


@given(text=st.text(alphabet=st.sampled_from('a1,;\t"\n\r=+-@.eN\ufeff '), max_size=120))
@fuzz
def test_text_of_separators_and_quotes_is_judged(text: str) -> None:
    judged(text.encode(), "csv")
    judged(text.encode(), "tsv")
