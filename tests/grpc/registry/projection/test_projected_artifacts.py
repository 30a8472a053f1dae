"""Artifacts in a real MLflow store: their files lie in the run of the attempt that made them."""

from datetime import timedelta

import pytest
from ulid import ULID

from omniscope.common.v1.artifact_pb2 import Artifact
from omniscope_registry import outbox
from omniscope_registry.artifacts import projections as artifact_projections
from omniscope_registry.artifacts.purger import artifact_purger
from omniscope_registry.artifacts.registrar import ArtifactRegistrar
from omniscope_registry.artifacts.store_sql import SqlArtifactStore
from omniscope_registry.jobs.sql import projections
from omniscope_registry.packages.signing import ManifestSigner
from omniscope_registry.packages.verifier import PackageVerifier
from omniscope_registry.projection.servicer import ProjectionServicer
from omniscope_service.artifacts import ArtifactStore

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]  # starts MLflow, as test_mlflow does

KIND = {"kind": "explanation", "files": {"importance.json": b"{}", "plots/all.svg": b"<svg/>"}}
TOO_LARGE = 65 * 1024 * 1024


@pytest.fixture
def database_url(tmp_path):
    """One kind of database is enough: this is about MLflow."""
    return f"sqlite+aiosqlite:///{tmp_path / 'registry.db'}"


@pytest.fixture
def artifacts(home):
    """The store that the process which writes to MLflow finds in its home."""
    return ArtifactStore.open((home / "artifacts").as_uri())


@pytest.fixture
def stored(database):
    return SqlArtifactStore(database, timedelta(days=30))


@pytest.fixture
def registration(registration, database, models, stored):
    return type(registration)(
        ProjectionServicer(database, [models, stored]), registration.add, registration.full_name
    )


@pytest.fixture
def make_artifact(database, artifacts, stored, home, insert_job, put_package):
    """Makes a job's artifact and returns its id, as the job's completion does."""
    verifier = PackageVerifier(artifacts, ManifestSigner.open(home / "signing-key"))
    registrar = ArtifactRegistrar(stored, artifacts, verifier)

    async def make():
        job = await insert_job(artifact_kind="explanation", model_type="", model_name="")
        package = await registrar.verify(*await put_package(job, **KIND))
        async with database.write() as conn:
            await projections.run_started(conn, job)
            return (await registrar.register(conn, package, job)).artifact_id

    return make


def files_of(mlflow):
    """Return the paths of what lies in the folder of the only run."""
    ((location, name),) = mlflow.rows("SELECT artifact_uri, name FROM runs")
    assert name == "explanation"
    folder = location.removeprefix("file://")
    return folder, lambda path: path.relative_to(folder).as_posix()


def listed(mlflow, home):
    folder, name_of = files_of(mlflow)
    found = (home / "/" / folder).rglob("*")
    return sorted(name_of(path) for path in found if path.is_file())


async def test_the_files_of_an_artifact_lie_in_its_run_once(
    projecting, projected, make_artifact, database, stored, mlflow, home
):
    artifact_id = await make_artifact()
    async with database.read() as conn:
        rows = await outbox.pending(conn, "mlflow", 100)
    async with database.write() as conn:  # as when the acknowledgement was lost
        for row in rows:
            await outbox.add_projection(conn, job_id=row.job_id or "", payload=row.payload)

    async with projecting():
        await projected()

    assert [path for path in listed(mlflow, home) if "/results" not in path] == [
        "explanation/MLmodel",
        "explanation/importance.json",
        "explanation/manifest.json",
        "explanation/manifest.sig",
        "explanation/payload/deep/weights.bin",
        "explanation/plots/all.svg",
        "explanation/registry.pub",
    ]
    tags = dict(mlflow.rows("SELECT key, value FROM tags"))
    artifact = await stored.get("ada", artifact_id)
    ((run_id,),) = mlflow.rows("SELECT run_uuid FROM runs")
    assert tags["omniscope.artifact_id"] == artifact_id
    assert tags["omniscope.artifact_source"].endswith(artifact.artifacts_path)
    assert tags["omniscope.dataset_id"] == artifact.inputs[0].dataset_id
    assert artifact.mlflow_run_id == run_id


async def test_a_purged_artifact_leaves_no_file_in_its_run(
    projecting, projected, make_artifact, database, artifacts, stored, mlflow, home
):
    artifact_id = await make_artifact()
    async with projecting():
        await projected()
    await stored.delete("ada", artifact_id)

    # A negative time stands for one that is over, with its margin.
    assert await artifact_purger(database, artifacts, timedelta(minutes=-2)).purge() == 1
    async with projecting():
        await projected()

    assert listed(mlflow, home) == []


async def test_a_large_artifact_is_shown_by_its_address(
    projecting, projected, insert_job, database, artifacts, mlflow, home
):
    job = await insert_job(artifact_kind="explanation", model_type="", model_name="")
    artifact = Artifact(artifact_id=str(ULID()), kind="explanation", size_bytes=TOO_LARGE)
    async with database.write() as conn:
        await projections.run_started(conn, job)
        await artifact_projections.registered(conn, job, artifact, "s3://bucket/jobs/package")

    async with projecting():
        await projected()

    tags = dict(mlflow.rows("SELECT key, value FROM tags"))
    assert tags["omniscope.artifact_source"] == "s3://bucket/jobs/package"
    assert listed(mlflow, home) == []
