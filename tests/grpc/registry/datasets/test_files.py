"""What becomes of an uploaded file."""

import asyncio
import hashlib
from pathlib import Path

import pytest
from google.api.httpbody_pb2 import HttpBody

from omniscope.registry.v1 import dataset_service_pb2 as messages

DATA = Path(__file__).parents[4] / "examples" / "data"


@pytest.fixture
def database_url(tmp_path):
    """One kind of database is enough: this is about files."""
    return f"sqlite+aiosqlite:///{tmp_path / 'registry.db'}"


async def test_a_csv_file_becomes_a_dataset_with_its_profile(stub, upload, artifacts):
    dataset = await upload("tissue7.csv", "tissue7", description="7 tissues")

    assert (dataset.name, dataset.version, dataset.source_format) == ("tissue7", 1, "csv")
    assert (dataset.row_count, dataset.column_count) == (185, 502)
    assert dataset.missing_count == 0
    assert dataset.likely_key_columns == ["sample_id"]
    assert sum(dataset.column_types.values()) == 502
    assert (dataset.created_by, dataset.description) == ("ada", "7 tissues")
    source = (DATA / "tissue7.csv").read_bytes()
    assert dataset.source_digest == hashlib.sha256(source).hexdigest()
    stored = await artifacts.get_bytes(f"datasets/{dataset.digest}/data.arrow")
    assert hashlib.sha256(stored).hexdigest() == dataset.digest
    assert len(stored) == dataset.size_bytes
    assert await stub.GetDataset(messages.GetDatasetRequest(dataset_id="tissue7")) == dataset


async def test_a_parquet_file_becomes_a_dataset(upload):
    dataset = await upload("penguins.parquet", "penguins", format="parquet")

    assert (dataset.row_count, dataset.column_count) == (344, 7)
    assert dataset.missing_count == 19
    assert dataset.source_format == "parquet"


async def test_columns_come_in_the_tables_order_with_their_profiles(stub, upload):
    await upload("penguins.csv", "birds")

    columns = (
        await stub.ListDatasetColumns(messages.ListDatasetColumnsRequest(dataset_id="birds"))
    ).columns

    assert [column.name for column in columns][:2] == ["island", "bill_length_mm"]
    assert [column.position for column in columns] == list(range(7))
    species = columns[-1]
    assert (species.type, species.distinct_count, species.missing_count) == ("string", 3, 0)
    assert [(top.value, top.count) for top in species.top_values] == [
        ("Adelie", 152),
        ("Gentoo", 124),
        ("Chinstrap", 68),
    ]
    length = columns[1]
    assert (length.min, length.max, length.missing_count) == (32.1, 59.6, 2)


async def _until(holds):
    while not holds():  # noqa: ASYNC110 - the file system tells nobody
        await asyncio.sleep(0.01)


async def test_a_client_that_goes_away_leaves_nothing_behind(stub, uploads_folder):
    async def unfinished():
        yield messages.UploadDatasetRequest(name="half", format="csv", data=HttpBody(data=b"a,b"))
        await asyncio.Event().wait()

    call = stub.UploadDataset(unfinished())
    await _until(lambda: list(uploads_folder.glob("*/source")))
    call.cancel()

    await _until(lambda: not list(uploads_folder.iterdir()))


async def test_finished_and_refused_uploads_leave_no_file_behind(upload, uploads_folder, refused):
    await upload(b"a\n1\n")
    await refused(upload(b""))

    assert list(uploads_folder.iterdir()) == []
