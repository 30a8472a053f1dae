from pathlib import Path
from uuid import UUID

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody

from omniscope.common.v1.dataset_pb2 import Dataset
from omniscope.registry.v1.dataset_service_pb2 import ListDatasetsResponse
from omniscope_client.client import Client
from omniscope_client.datasets import CHUNK_BYTES, EXPORT_FORMATS, FORMATS, format_of
from omniscope_client.errors import OmniscopeError
from omniscope_ml.datasets.formats import EXPORT_FORMATS as REGISTRY_EXPORTS
from omniscope_ml.datasets.formats import SUFFIXES
from tests.unit.omniscope_client.conftest import Canned, Refusal


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "tissues.csv"
    path.write_bytes(bytes(range(256)) * 1024 * 2 + b"rest")
    return path


def test_a_file_travels_in_chunks_and_only_the_first_names_it(
    client: Client, canned: Canned, table: Path
) -> None:
    progress: list[int] = []

    dataset = client.datasets.upload(table, description="seven", on_progress=progress.append)

    (messages,) = canned.requests["UploadDataset"]
    assert dataset.dataset_id == "D1"
    assert b"".join(message.data.data for message in messages) == table.read_bytes()
    assert [len(message.data.data) for message in messages] == [CHUNK_BYTES, CHUNK_BYTES, 4]
    first = messages[0]
    assert (first.name, first.format, first.description) == ("tissues", "csv", "seven")
    assert str(UUID(first.request_id)) == first.request_id
    assert {(m.name, m.format, m.description, m.request_id) for m in messages[1:]} == {
        ("", "", "", "")
    }
    assert progress == [CHUNK_BYTES, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 4]


def test_name_format_and_request_id_can_be_given(
    client: Client, canned: Canned, table: Path
) -> None:
    client.datasets.upload(table, name="other", file_format="parquet", request_id="mine")

    first = canned.requests["UploadDataset"][0][0]
    assert (first.name, first.format, first.request_id) == ("other", "parquet", "mine")


def test_an_empty_file_is_left_to_the_service_to_refuse(
    client: Client, canned: Canned, tmp_path: Path
) -> None:
    (tmp_path / "empty.csv").touch()
    canned.answers["UploadDataset"] = Refusal(
        grpc.StatusCode.INVALID_ARGUMENT, "The file is empty.", "DATASET_EMPTY", "data"
    )

    with pytest.raises(OmniscopeError) as raised:
        client.datasets.upload(tmp_path / "empty.csv")

    assert raised.value.reason == "DATASET_EMPTY"
    ((message,),) = canned.requests["UploadDataset"]
    assert message.name == "empty"
    assert message.HasField("data")


def test_a_suffix_that_says_nothing_asks_for_the_format(client: Client, tmp_path: Path) -> None:
    with pytest.raises(OmniscopeError, match=r"csv, .*, parquet, arrow, h5ad") as raised:
        client.datasets.upload(tmp_path / "table.xlsx")

    assert (raised.value.reason, raised.value.field) == ("DATASET_FORMAT_UNKNOWN", "format")


def test_a_file_that_cannot_be_read_is_an_error_of_the_file(
    client: Client, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.csv"):
        client.datasets.upload(tmp_path / "missing.csv")


def test_a_list_goes_over_pages_up_to_its_limit(client: Client, canned: Canned) -> None:
    canned.answers["ListDatasets"] = lambda request: ListDatasetsResponse(
        datasets=[Dataset(name=str(number)) for number in range(request.page_size)],
        next_page_token="next",
    )

    names = [dataset.name for dataset in client.datasets.list(limit=2300, query='name = "x"')]

    requests = canned.requests["ListDatasets"]
    assert len(names) == 2300
    assert [request.page_size for request in requests] == [1000, 1000, 300]
    assert [request.page_token for request in requests] == ["", "next", "next"]
    assert {request.filter for request in requests} == {'name = "x"'}


def test_a_list_ends_with_its_last_page(client: Client, canned: Canned) -> None:
    assert [dataset.name for dataset in client.datasets.list(limit=5000)] == ["tissues"]
    assert len(canned.requests["ListDatasets"]) == 1


@pytest.mark.parametrize(
    ("file", "name", "source_format"),
    [
        ("counts.tsv.gz", "counts", "tsv.gz"),
        ("counts.v2.CSV.GZ", "counts.v2", "csv.gz"),
        ("counts.v2.csv", "counts.v2", "csv"),
        ("cells.h5ad", "cells", "h5ad"),
        ("cells.feather", "cells", "arrow"),
    ],
)
def test_format_and_name_come_from_the_files_name(
    canned: Canned, client: Client, tmp_path: Path, file: str, name: str, source_format: str
) -> None:
    (tmp_path / file).write_bytes(b"content")

    client.datasets.upload(tmp_path / file)

    ((message,),) = canned.requests["UploadDataset"]
    assert (message.name, message.format) == (name, source_format)


def test_an_import_names_where_the_registry_finds_the_file(client: Client, canned: Canned) -> None:
    canned.answers["ImportDataset"] = Dataset(dataset_id="D2")

    dataset = client.datasets.import_from("s3://tables/birds.csv", name="birds")

    (request,) = canned.requests["ImportDataset"]
    assert dataset.dataset_id == "D2"
    assert (request.uri, request.name, request.format) == ("s3://tables/birds.csv", "birds", "")
    assert str(UUID(request.request_id)) == request.request_id


def test_a_download_appears_when_it_is_complete(
    client: Client, canned: Canned, tmp_path: Path
) -> None:
    canned.answers["DownloadDataset"] = [HttpBody(data=b"a,b\n"), HttpBody(data=b"1,2\n")]
    progress: list[int] = []

    path = client.datasets.download("D1", tmp_path / "birds.csv", "csv", progress.append)

    assert path.read_bytes() == b"a,b\n1,2\n"
    assert progress == [4, 8]
    assert canned.requests["DownloadDataset"][0].format == "csv"


def test_a_download_that_breaks_off_leaves_nothing(
    client: Client, canned: Canned, tmp_path: Path
) -> None:
    refusal = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "Too large.", "DATASET_TOO_LARGE")
    canned.answers["DownloadDataset"] = [HttpBody(data=b"a,b\n"), refusal]

    with pytest.raises(OmniscopeError, match="Too large"):
        client.datasets.download("D1", tmp_path / "birds.csv")

    assert list(tmp_path.iterdir()) == []


def test_a_download_replaces_no_file(client: Client, canned: Canned, tmp_path: Path) -> None:
    (tmp_path / "birds.csv").write_text("mine")
    canned.answers["DownloadDataset"] = [HttpBody(data=b"a,b\n")]

    with pytest.raises(FileExistsError) as raised:
        client.datasets.download("D1", tmp_path / "birds.csv")

    assert raised.value.filename == str(tmp_path / "birds.csv")
    assert (tmp_path / "birds.csv").read_text() == "mine"
    assert "DownloadDataset" not in canned.requests


@pytest.mark.parametrize("name", ["table.xlsx", "table.tsv"])
def test_a_suffix_of_no_export_names_those_that_there_are(name: str) -> None:
    with pytest.raises(OmniscopeError, match=r"give one of csv, parquet, arrow\."):
        format_of(Path(name), EXPORT_FORMATS)


def test_client_and_registry_know_the_same_formats() -> None:
    assert FORMATS == SUFFIXES
    assert set(EXPORT_FORMATS) == set(REGISTRY_EXPORTS)
