"""ImportDataset: files below one folder, objects in named buckets, and nothing else."""

import os
import uuid

import pytest

from omniscope.registry.v1.dataset_service_pb2 import (
    GetDatasetRequest,
    ImportDatasetRequest,
    ListDatasetsRequest,
)
from omniscope_registry.datasets.import_uri import NOTHING

BIRDS = "species,mass\nAdelie,3.7\nGentoo,5.1\n"


@pytest.fixture
def birds(import_folder):
    path = import_folder / "2026" / "birds.csv"
    path.parent.mkdir()
    path.write_text(BIRDS)
    return path


async def test_a_file_below_the_folder_becomes_a_dataset_called_by_its_name(stub, birds):
    dataset = await stub.ImportDataset(ImportDatasetRequest(uri=birds.as_uri()))

    assert (dataset.name, dataset.version, dataset.source_format) == ("birds", 1, "csv")
    assert (dataset.row_count, dataset.column_count) == (2, 2)


async def test_the_same_bytes_uploaded_and_imported_are_stored_once(stub, birds, upload):
    uploaded = await upload(BIRDS.encode(), name="uploaded")
    imported = await stub.ImportDataset(ImportDatasetRequest(uri=birds.as_uri(), name="birds"))

    assert imported.digest == uploaded.digest


async def test_a_repeated_request_returns_what_the_first_made_though_the_file_changed(stub, birds):
    request = ImportDatasetRequest(uri=birds.as_uri(), request_id=str(uuid.uuid4()))
    first = await stub.ImportDataset(request)
    birds.write_text(BIRDS + "Chinstrap,3.5\n")

    assert await stub.ImportDataset(request) == first


async def test_a_request_id_with_another_uri_is_refused(stub, birds, refused):
    request = ImportDatasetRequest(uri=birds.as_uri(), request_id=str(uuid.uuid4()))
    await stub.ImportDataset(request)
    other = birds.with_name("others.csv")
    other.write_text(BIRDS)
    request.uri, request.name = other.as_uri(), "birds"

    error = await refused(stub.ImportDataset(request))

    assert error.reason == "REQUEST_ID_REUSED"


async def test_name_and_version_name_one_dataset(stub, birds, refused):
    request = ImportDatasetRequest(uri=birds.as_uri())
    first, second = [await stub.ImportDataset(request) for _ in range(2)]

    assert await stub.GetDataset(GetDatasetRequest(dataset_id="birds@1")) == first
    assert await stub.GetDataset(GetDatasetRequest(dataset_id="birds")) == second
    for unknown in ("birds@3", "birds@0", "birds@x", "birds@99999999999"):
        error = await refused(stub.GetDataset(GetDatasetRequest(dataset_id=unknown)))
        assert error.reason == "DATASET_NOT_FOUND"


@pytest.mark.parametrize(
    "uri",
    [
        "file://{root}/../secret.csv",
        "file://{root}/2026/../../secret.csv",
        "file://{root}/%2e%2e/secret.csv",
        "file://{root}/%2E%2E%2Fsecret.csv",
        "file://{root}/birds%00.csv",
        "file://{root}//secret.csv",
        "file://{root}/a\\b.csv",
        "file://{root}/birds.csv?x=1",
        "file://{root}/birds.csv#x",
        "file://{root}/a b.csv",
        "file://user@{root}/birds.csv",
        "s3://tables/../other/birds.csv",
        "s3://tables/a//b.csv",
        "s3://tables@evil/birds.csv",
        "s3://tables:80/birds.csv",
        "s3://tables/",
        "file:///" + "a" * 3000,
    ],
)
async def test_a_uri_that_tries_to_lead_elsewhere_is_invalid(stub, refused, import_folder, uri):
    (import_folder.parent / "secret.csv").write_text(BIRDS)

    error = await refused(
        stub.ImportDataset(ImportDatasetRequest(uri=uri.format(root=import_folder), name="x"))
    )

    assert (error.reason, error.field) == ("IMPORT_URI_INVALID", "uri")
    assert not (await stub.ListDatasets(ListDatasetsRequest())).datasets


@pytest.mark.parametrize(
    "uri",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
        "file://host/share/birds.csv",
        "//host/share/birds.csv",
        "simplecache::file:///etc/passwd",
        "s3://simplecache::file:///etc/passwd",
        "http://127.0.0.1/birds.csv",
        "http://169.254.169.254/latest/meta-data/",
        "http://2130706433/birds.csv",
        "http://0x7f.1/birds.csv",
        "http://0177.0.0.1/birds.csv",
        "http://[::ffff:127.0.0.1]/birds.csv",
        "https://example.org/birds.csv",
        "gs://tables/birds.csv",
        "s3://others/birds.csv",
        "s3:///birds.csv",
        "FILE:///etc/passwd",
        "file://[::1/birds.csv",
    ],
)
async def test_what_the_operator_has_not_allowed_is_refused_with_what_is(stub, refused, uri):
    error = await refused(stub.ImportDataset(ImportDatasetRequest(uri=uri, name="x")))

    assert (error.reason, error.field) == ("IMPORT_SOURCE_NOT_ALLOWED", "uri")
    assert "allowed: files below the import folder, s3://tables/" in error.message
    assert not (await stub.ListDatasets(ListDatasetsRequest())).datasets


async def test_links_folders_and_devices_are_not_followed(stub, refused, import_folder, birds):
    secret = import_folder.parent / "secret.csv"
    secret.write_text(BIRDS)
    (import_folder / "link.csv").symlink_to(secret)
    (import_folder / "folder").symlink_to(import_folder.parent)
    os.mkfifo(import_folder / "pipe.csv")
    expected = {
        "link.csv": "IMPORT_SOURCE_NOT_FOUND",
        "folder/secret.csv": "IMPORT_SOURCE_NOT_FOUND",
        "absent.csv": "IMPORT_SOURCE_NOT_FOUND",
        "2026/birds.csv/x.csv": "IMPORT_SOURCE_NOT_FOUND",
        "2026": "IMPORT_URI_INVALID",
        "pipe.csv": "IMPORT_URI_INVALID",
    }

    found = {}
    for path in expected:
        uri = f"{import_folder.as_uri()}/{path}"
        request = ImportDatasetRequest(uri=uri, name="x", format="csv")
        found[path] = (await refused(stub.ImportDataset(request))).reason

    assert found == expected


async def test_a_link_that_takes_a_folders_place_meanwhile_leads_nowhere(
    stub, import_folder, birds
):
    """Whichever is there at the moment: the file below the folder, or nothing."""
    outside = import_folder.parent / "outside"
    outside.mkdir()
    (outside / "birds.csv").write_text("secret\n1\n")
    folder, aside = import_folder / "2026", import_folder / "aside"
    for round_number in range(4):
        if round_number % 2:
            folder.rename(aside)
            folder.symlink_to(outside)
        elif aside.exists():
            folder.unlink()
            aside.rename(folder)
        request = ImportDatasetRequest(uri=birds.as_uri(), name=f"round{round_number}")
        if round_number % 2:
            with pytest.raises(Exception, match="nothing to import"):
                await stub.ImportDataset(request)
        else:
            assert (await stub.ImportDataset(request)).column_types["string"] == 1


async def test_a_format_that_the_name_does_not_tell_has_to_be_given(stub, refused, import_folder):
    (import_folder / "birds.txt").write_text(BIRDS)
    request = ImportDatasetRequest(uri=f"{import_folder.as_uri()}/birds.txt", name="birds")

    error = await refused(stub.ImportDataset(request))
    request.format = "csv"

    assert error.reason == "DATASET_FORMAT_UNKNOWN"
    assert (await stub.ImportDataset(request)).row_count == 2


class TestWithoutRules:
    """A registry whose operator has allowed nothing."""

    @pytest.fixture
    def import_rules(self):
        return NOTHING

    async def test_nothing_can_be_imported(self, stub, refused, birds):
        error = await refused(stub.ImportDataset(ImportDatasetRequest(uri=birds.as_uri())))

        assert error.reason == "IMPORT_SOURCE_NOT_ALLOWED"
        assert "the operator has named no folder and no bucket" in error.message
