"""ImportDataset from a real S3 server."""

import obstore
import pytest

from omniscope.registry.v1.dataset_service_pb2 import ImportDatasetRequest
from omniscope_service.artifacts import ArtifactStore
from tests.grpc.registry.datasets.conftest import DATA


@pytest.fixture
def bucket(s3, monkeypatch):
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return s3.bucket("tables")


@pytest.fixture(params=["sqlite"])
def database_url(request, _registry_on_sqlite, tmp_path):
    """Where rows are kept makes no difference here."""
    path = tmp_path / "registry.db"
    path.write_bytes(_registry_on_sqlite.read_bytes())
    return f"sqlite+aiosqlite:///{path}"


async def test_an_object_becomes_the_same_dataset_as_its_upload(stub, bucket, upload):
    data = (DATA / "tissue7.csv").read_bytes()
    obstore.put(bucket, "2026/tissue7.csv", data)
    uploaded = await upload(data, name="uploaded")

    imported = await stub.ImportDataset(
        ImportDatasetRequest(uri="s3://tables/2026/tissue7.csv", name="imported")
    )

    assert imported.digest == uploaded.digest
    assert (imported.row_count, imported.column_count) == (185, uploaded.column_count)


async def test_an_object_that_is_not_there_is_not_found(stub, bucket, refused):
    request = ImportDatasetRequest(uri="s3://tables/missing.csv")

    assert (await refused(stub.ImportDataset(request))).reason == "IMPORT_SOURCE_NOT_FOUND"


async def test_wrong_credentials_are_told_apart_without_showing_them(
    stub, bucket, refused, monkeypatch
):
    obstore.put(bucket, "birds.csv", b"a,b\n1,2\n")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")

    error = await refused(stub.ImportDataset(ImportDatasetRequest(uri="s3://tables/birds.csv")))

    assert error.reason == "IMPORT_SOURCE_UNAVAILABLE"
    assert "not-the-secret" not in error.message
    assert "127.0.0.1" not in error.message


async def test_artifacts_live_in_a_bucket_as_in_a_folder(bucket, tmp_path):
    store = ArtifactStore.open("s3://artifacts/suite")
    (tmp_path / "package" / "deep").mkdir(parents=True)
    (tmp_path / "package" / "manifest.json").write_bytes(b"{}")
    (tmp_path / "package" / "deep" / "weights").write_bytes(bytes(7_000_000))

    await store.put_folder("jobs/j/package", tmp_path / "package")
    await store.get_folder("jobs/j/package", tmp_path / "again")

    assert (tmp_path / "again" / "deep" / "weights").read_bytes() == bytes(7_000_000)
    assert [key for key, _ in await store.list("jobs/j")] == [
        "jobs/j/package/deep/weights",
        "jobs/j/package/manifest.json",
    ]
    await store.delete_prefix("jobs/j")
    await store.delete(["jobs/j/package/manifest.json"])
    assert await store.list("jobs/j") == []
