"""PreviewDataset and DownloadDataset: what was stored comes out again."""

import asyncio
import gzip
import io
import math

import pandas as pd
import pyarrow as pa
import pytest
from google.protobuf.json_format import MessageToDict

from omniscope.registry.v1.dataset_service_pb2 import (
    DownloadDatasetRequest,
    PreviewDatasetRequest,
)

BIRDS = (
    "id,species,mass,seen,day\n"
    "a1,Adelie,3.5,true,2026-01-02\n"
    "a2,=cmd(),,false,2026-01-03\n"
    'a3,"-x, y",5.25,true,\n'
)


async def downloaded(stub, dataset_id, **fields):
    request = DownloadDatasetRequest(dataset_id=dataset_id, **fields)
    chunks = [message async for message in stub.DownloadDataset(request)]
    assert all(len(chunk.data) <= 256 * 1024 for chunk in chunks)
    return chunks[0].content_type, b"".join(chunk.data for chunk in chunks)


@pytest.fixture
async def birds(upload):
    return await upload(BIRDS.encode(), name="birds")


async def test_the_first_rows_show_values_as_they_are_and_null_where_there_is_none(stub, birds):
    preview = await stub.PreviewDataset(PreviewDatasetRequest(dataset_id="birds", row_count=2))

    columns = {column.name: MessageToDict(column)["values"] for column in preview.columns}
    assert list(columns) == ["id", "species", "mass", "seen", "day"]
    assert columns["species"] == ["Adelie", "=cmd()"]
    assert columns["mass"] == [3.5, None]
    assert columns["seen"] == [True, False]
    assert columns["day"][0].startswith("2026-01-02")


async def test_columns_are_shown_as_they_are_asked_for(stub, birds):
    request = PreviewDatasetRequest(dataset_id="birds", columns=["mass", "id"])

    preview = await stub.PreviewDataset(request)

    assert [column.name for column in preview.columns] == ["mass", "id"]
    assert len(preview.columns[0].values) == 3


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"columns": ["wings"]}, "COLUMN_NOT_FOUND", "columns"),
        ({"columns": ["id"] * 1001}, "FIELD_INVALID", "columns"),
        ({"row_count": -1}, "FIELD_INVALID", "row_count"),
        ({"dataset_id": "fish"}, "DATASET_NOT_FOUND", "dataset_id"),
    ],
)
async def test_a_preview_that_cannot_be_is_refused(stub, birds, refused, fields, reason, field):
    request = PreviewDatasetRequest(**{"dataset_id": "birds", **fields})

    error = await refused(stub.PreviewDataset(request))

    assert (error.reason, error.field) == (reason, field)


async def test_wide_tables_show_their_first_columns_and_any_by_name(stub, upload):
    wide = pd.DataFrame({f"gene{n}": [n, n / 2] for n in range(3000)})
    await upload(wide.to_csv(index=False).encode(), name="wide")

    first = await stub.PreviewDataset(PreviewDatasetRequest(dataset_id="wide"))
    request = PreviewDatasetRequest(dataset_id="wide", columns=["gene2999"])
    last = await stub.PreviewDataset(request)

    assert [column.name for column in first.columns] == [f"gene{n}" for n in range(50)]
    assert [value.number_value for value in last.columns[0].values] == [2999, 1499.5]


async def test_long_texts_are_cut_and_an_answer_holds_as_many_rows_as_fit(stub, upload):
    names = [f"note{number}" for number in range(500)]
    table = "\n".join([",".join(names), *[",".join(["é" * 300] * 500)] * 20])
    await upload(gzip.compress(table.encode()), name="notes", format="csv.gz")
    request = PreviewDatasetRequest(dataset_id="notes", columns=names)

    preview = await stub.PreviewDataset(request)

    assert [column.name for column in preview.columns] == names
    assert {len(column.values) for column in preview.columns} == {10}
    assert preview.columns[0].values[0].string_value == "é" * 199 + "…"


async def test_somebody_elses_dataset_has_neither(stub_of_bob, birds, refused):
    preview = PreviewDatasetRequest(dataset_id=birds.dataset_id)
    download = DownloadDatasetRequest(dataset_id=birds.dataset_id)

    first = await refused(stub_of_bob.PreviewDataset(preview))
    second = await refused(anext(aiter(stub_of_bob.DownloadDataset(download))))

    assert {first.reason, second.reason} == {"DATASET_NOT_FOUND"}


async def test_a_csv_has_all_rows_and_no_formula_that_a_spreadsheet_would_run(stub, birds):
    media_type, data = await downloaded(stub, "birds")

    frame = pd.read_csv(io.BytesIO(data))
    assert media_type == "text/csv"
    assert list(frame.columns) == ["id", "species", "mass", "seen", "day"]
    assert frame["species"].tolist() == ["Adelie", "'=cmd()", "'-x, y"]
    assert frame["mass"].tolist()[::2] == [3.5, 5.25]
    assert math.isnan(frame["mass"][1])


@pytest.mark.parametrize(
    "name", ["penguins.csv", pytest.param("tissue7.csv", marks=pytest.mark.slow)]
)
async def test_parquet_and_arrow_give_the_table_that_was_uploaded(stub, upload, name):
    dataset = await upload(name, name="table")
    _, parquet = await downloaded(stub, dataset.dataset_id, format="parquet")
    _, arrow = await downloaded(stub, dataset.dataset_id, format="arrow")

    of_parquet = pd.read_parquet(io.BytesIO(parquet))
    of_arrow = pa.ipc.open_file(arrow).read_pandas()

    pd.testing.assert_frame_equal(of_parquet, of_arrow)
    again = await upload(parquet, name="again", format="parquet")
    assert again.digest == dataset.digest


async def test_a_finished_and_a_broken_off_download_leave_no_file_behind(
    stub, upload, uploads_folder
):
    # More than gRPC takes in advance: the server is in the middle when the client leaves.
    wide = pd.DataFrame({f"gene{n}": range(200) for n in range(1500)})
    await upload(wide.to_csv(index=False).encode(), name="wide")
    files = uploads_folder.parent / "out"
    await downloaded(stub, "wide")
    stream = stub.DownloadDataset(DownloadDatasetRequest(dataset_id="wide"))
    await anext(aiter(stream))
    assert list(files.iterdir())

    stream.cancel()

    while list(files.iterdir()):  # noqa: ASYNC110 - nobody tells that a folder is gone
        await asyncio.sleep(0.01)


async def test_a_format_that_is_none_is_refused(stub, birds, refused):
    request = DownloadDatasetRequest(dataset_id="birds", format="xlsx")

    error = await refused(anext(aiter(stub.DownloadDataset(request))))

    assert (error.reason, error.field) == ("DATASET_FORMAT_UNKNOWN", "format")
    assert "csv, parquet, arrow" in error.message
