"""Each way in which an upload can be wrong has a reason of its own."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest
from google.api.httpbody_pb2 import HttpBody

from omniscope.registry.v1 import dataset_service_pb2 as messages
from omniscope_service.errors import InvalidArgument, ResourceExhausted

DATA = Path(__file__).parents[4] / "examples" / "data"


@pytest.fixture
def database_url(tmp_path):
    """One kind of database is enough: none of these uploads gets there."""
    return f"sqlite+aiosqlite:///{tmp_path / 'registry.db'}"


def _parquet_of(names):
    table = pa.Table.from_arrays([pa.array([1, 2])] * len(names), names=names)
    buffer = io.BytesIO()
    pa_parquet.write_table(table, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "source_format", "reason"),
    [
        pytest.param(b"", "csv", "DATASET_EMPTY", id="no bytes"),
        pytest.param(b"a,b\n", "csv", "DATASET_EMPTY", id="a header and no rows"),
        pytest.param(b"a,b\n1,2\n3\n4,5\n", "csv", "DATASET_MALFORMED", id="a short row"),
        pytest.param(b"a,b,a\n1,2,3\n", "csv", "COLUMN_DUPLICATED", id="a column twice"),
        pytest.param(
            (DATA / "penguins.parquet").read_bytes(),
            "csv",
            "DATASET_FORMAT_MISMATCH",
            id="parquet called csv",
        ),
        pytest.param(
            (DATA / "penguins.csv").read_bytes(),
            "parquet",
            "DATASET_FORMAT_MISMATCH",
            id="csv called parquet",
        ),
        pytest.param(
            b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
            "csv",
            "DATASET_FORMAT_MISMATCH",
            id="a picture",
        ),
        pytest.param(
            "size,colour\n1,grün\n".encode("latin-1"),
            "csv",
            "DATASET_FORMAT_MISMATCH",
            id="latin-1 values",
        ),
        pytest.param(
            b"PAR1" + bytes(100) + b"\x40\x00\x00\x00PAR1",
            "parquet",
            "DATASET_MALFORMED",
            id="parquet in name only",
        ),
        pytest.param(
            _parquet_of(["a", "b\0"]), "parquet", "DATASET_MALFORMED", id="a zero in a name"
        ),
    ],
)
async def test_a_file_that_cannot_be_a_dataset_is_refused(
    upload, refused, artifacts, content, source_format, reason
):
    error = await refused(upload(content, format=source_format))

    assert isinstance(error, InvalidArgument)
    assert error.reason == reason
    assert error.field in ("data", "format")
    assert await artifacts.list("datasets") == []


async def test_a_ragged_file_names_the_row_and_the_numbers(upload, refused):
    error = await refused(upload(b"a,b,c\n1,2,3\n4,5\n6,7,8\n"))

    assert "row 3" in error.message
    assert "2" in error.message
    assert "3" in error.message


async def test_a_column_twice_is_named(upload, refused):
    error = await refused(upload(b"gene,other,gene\n1,2,3\n"))

    assert "'gene'" in error.message


@pytest.mark.parametrize(
    "name",
    ["with space", "a/b", "..", ".hidden", "ümlaut", "x" * 129, "01J" + "0" * 23],
)
async def test_a_bad_name_is_refused(upload, refused, name):
    error = await refused(upload("penguins.csv", name))

    assert (error.reason, error.field) == ("NAME_INVALID", "name")
    assert "letters, digits" in error.message


@pytest.mark.parametrize("source_format", ["CSV", "xlsx"])
async def test_an_unknown_format_is_refused_and_the_known_ones_named(
    upload, refused, source_format
):
    error = await refused(upload("penguins.csv", format=source_format))

    assert (error.reason, error.field) == ("DATASET_FORMAT_UNKNOWN", "format")
    assert "csv, csv.gz, tsv, tsv.gz, parquet, arrow, h5ad" in error.message


@pytest.mark.parametrize("field", ["name", "format"])
async def test_a_first_message_without_name_or_format_is_refused(upload, refused, field):
    error = await refused(upload("penguins.csv", **{field: ""}))

    assert (error.reason, error.field) == ("FIELD_REQUIRED", field)


async def test_a_file_beyond_the_cap_is_refused(upload, refused):
    error = await refused(upload(b"a\n" + b"1\n" * 1_500_000))

    assert isinstance(error, ResourceExhausted)
    assert (error.reason, error.field) == ("DATASET_TOO_LARGE", "data")
    assert "2000000 bytes" in error.message


async def test_a_request_id_that_is_no_uuid_is_refused(upload, refused):
    error = await refused(upload(b"a\n1\n", request_id="mine"))

    assert (error.reason, error.field) == ("FIELD_INVALID", "request_id")


@pytest.mark.parametrize("description", ["x" * 2001, "zero\0byte"])
async def test_a_description_that_cannot_be_kept_is_refused(upload, refused, description):
    error = await refused(upload(b"a\n1\n", description=description))

    assert (error.reason, error.field) == ("FIELD_INVALID", "description")


async def test_an_upload_without_any_message_is_refused(stub, refused):
    async def nothing():
        for _ in ():
            yield messages.UploadDatasetRequest()

    error = await refused(stub.UploadDataset(nothing()))

    assert error.reason == "NAME_INVALID"


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data; boundary=x", "Multipart/Form-Data; boundary=x"]
)
async def test_a_form_is_refused_with_a_word_on_how_to_send_the_file(stub, refused, content_type):
    form = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\na,b\n1,2\n\r\n--x--\r\n'

    async def requests():
        data = HttpBody(content_type=content_type, data=form)
        yield messages.UploadDatasetRequest(name="form", format="csv", data=data)

    error = await refused(stub.UploadDataset(requests()))

    assert (error.reason, error.field) == ("DATASET_FORMAT_MISMATCH", "data")
    assert "--data-binary" in error.message
