"""A package is verified once, beyond the calls that complete its job."""

import asyncio
import hashlib
import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlparse

import psutil
import pytest
from sqlalchemy import update

from omniscope_registry.artifacts.registrar import ArtifactRegistrar
from omniscope_registry.artifacts.store_sql import SqlArtifactStore
from omniscope_registry.jobs.completion import Completion
from omniscope_registry.jobs.domain import JobTimes
from omniscope_registry.jobs.loops.deadlines import DeadlineEnforcer
from omniscope_registry.jobs.loops.reaper import Reaper
from omniscope_registry.jobs.verifications import PackageVerifications
from omniscope_registry.models.registrar import ModelRegistrar
from omniscope_registry.models.store_sql import SqlModelStore
from omniscope_registry.packages.signing import ManifestSigner
from omniscope_registry.packages.verifier import PackageVerifier
from omniscope_registry.tables.jobs import training_jobs
from omniscope_service.artifacts import STREAM_CHUNK_BYTES, ArtifactStore
from omniscope_service.errors import Aborted, DataLoss
from tests.grpc.registry.jobs.job_stores import JobStores, put_package

GIB = 2**30
NO_GRACE = JobTimes(cancel_grace=timedelta(0))


class SlowStore(ArtifactStore):
    """A store that gives a file in pieces, each when it is let, and counts who reads what."""

    pieces = 20
    seconds = 0.05

    def __init__(self, *args):
        super().__init__(*args)
        self.reads: Counter[str] = Counter()
        self.reading = 0
        self.most_reading = 0
        self._ended = asyncio.Condition()

    async def until_nobody_reads(self):
        async with self._ended:
            await self._ended.wait_for(lambda: self.reading == 0)

    async def stream(self, key, chunk_bytes=STREAM_CHUNK_BYTES):
        self.reads[key.rpartition("/")[2]] += 1
        self.reading += 1
        self.most_reading = max(self.most_reading, self.reading)
        try:
            for _ in range(self.pieces):
                await asyncio.sleep(self.seconds)
            async for chunk in super().stream(key, chunk_bytes):
                yield chunk
        finally:
            self.reading -= 1
            async with self._ended:
                self._ended.notify_all()


@pytest.fixture
async def stores(database, tmp_path):
    return await JobStores.open(database, tmp_path)


@pytest.fixture
def slow(stores, tmp_path):
    return SlowStore.open((tmp_path / "artifacts").as_uri())


@pytest.fixture
def restart(stores, database, slow, tmp_path):
    """Makes the parts that complete jobs anew, as a registry that starts does."""

    def make(**settings):
        signer = ManifestSigner.open(tmp_path / "signing-key")
        verifier = PackageVerifier(slow, signer)
        models = ModelRegistrar(SqlModelStore(database), slow, verifier)
        artifacts = SqlArtifactStore(database, timedelta(days=30))
        verifications = PackageVerifications(**settings)
        completion = Completion(
            stores.attempts,
            models,
            ArtifactRegistrar(artifacts, slow, verifier),
            verifications,
            0.1,
        )
        return completion, verifications

    return make


async def upload(stores, held):
    return await put_package(stores.artifacts, held.prefix, held.lease.job_id, held.lease.attempt)


async def upload_damaged(stores, held):
    key, digest = await upload(stores, held)
    whole = await stores.artifacts.get_bytes(f"{key}/results.json")
    await stores.artifacts.put_bytes(f"{key}/results.json", whole.replace(b"binary", b"BINARY"))
    return key, digest


async def until_completed(completion, held, package):
    """Call as a worker does; return the model and how many calls that took."""
    calls = 1
    while (result := await complete(completion, held, package)) is None:
        calls += 1
    return result.model_id, calls


def complete(completion, held, package):
    return completion.complete(held.lease, *package, stopped_early=False)


async def test_a_package_that_takes_longer_than_a_call_is_read_once_and_completes(
    stores, slow, restart
):
    completion, _ = restart()
    held = await stores.running()
    package = await upload(stores, held)

    model_id, calls = await until_completed(completion, held, package)

    assert calls > 3
    assert slow.reads == {"results.json": 1}
    assert (await stores.job(held.lease.job_id)).model_id == model_id
    assert (await complete(completion, held, package)).model_id == model_id


async def test_calls_that_come_together_wait_for_one_verification(stores, slow, restart):
    completion, _ = restart()
    held = await stores.running()
    package = await upload(stores, held)

    answers = await asyncio.gather(*(until_completed(completion, held, package) for _ in range(4)))

    assert len({model_id for model_id, _ in answers}) == 1
    assert slow.reads == {"results.json": 1}


async def test_a_call_that_is_cut_off_does_not_end_its_verification(stores, slow, restart):
    completion, _ = restart()
    held = await stores.running()
    package = await upload(stores, held)
    call = asyncio.create_task(complete(completion, held, package))
    await asyncio.sleep(0.02)

    call.cancel()
    await asyncio.wait({call})
    await until_completed(completion, held, package)

    assert slow.reads == {"results.json": 1}


async def test_a_damaged_package_is_told_and_verified_anew_after_it_was_mended(
    stores, slow, restart
):
    completion, _ = restart()
    held = await stores.running()
    package = key, _ = await upload_damaged(stores, held)

    for _ in range(2):
        with pytest.raises(DataLoss):
            await until_completed(completion, held, package)
    damaged = await stores.artifacts.get_bytes(f"{key}/results.json")
    await stores.artifacts.put_bytes(f"{key}/results.json", damaged.replace(b"BINARY", b"binary"))

    assert (await until_completed(completion, held, package))[0]
    assert slow.reads == {"results.json": 3}


async def test_a_failure_that_no_call_waited_for_is_told_to_the_next_one_without_reading_again(
    stores, slow, restart
):
    completion, _ = restart()
    held = await stores.running()
    package = await upload_damaged(stores, held)
    assert await complete(completion, held, package) is None
    await slow.until_nobody_reads()

    with pytest.raises(DataLoss):
        await complete(completion, held, package)

    assert slow.reads == {"results.json": 1}


async def test_a_failure_that_nobody_asks_for_is_forgotten(stores, slow, restart):
    slow.pieces = 6
    completion, verifications = restart(kept_seconds=0.5)
    running = asyncio.create_task(verifications.run())
    held = await stores.running()
    package = await upload_damaged(stores, held)
    assert await complete(completion, held, package) is None
    await slow.until_nobody_reads()

    while verifications._verifications:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    await complete(completion, held, package)

    assert slow.reads == {"results.json": 2}
    running.cancel()
    await asyncio.wait({running})


async def test_a_registry_that_restarts_meanwhile_starts_over_and_completes(stores, slow, restart):
    completion, verifications = restart()
    running = asyncio.create_task(verifications.run())
    held = await stores.running()
    package = await upload(stores, held)
    assert await complete(completion, held, package) is None

    running.cancel()
    await asyncio.wait({running})
    assert slow.reading == 0
    completion, _ = restart()
    await until_completed(completion, held, package)

    assert slow.reads == {"results.json": 2}


async def test_a_verification_that_nobody_waits_for_ends(stores, slow, restart):
    slow.pieces = 10_000
    completion, verifications = restart(kept_seconds=0.2)
    running = asyncio.create_task(verifications.run())
    held = await stores.running()

    assert await complete(completion, held, await upload(stores, held)) is None
    await slow.until_nobody_reads()

    running.cancel()
    await asyncio.wait({running})


async def test_few_packages_are_read_at_a_time(stores, slow, restart):
    completion, _ = restart(concurrent=2)
    attempts = [await stores.running() for _ in range(5)]
    packages = [await upload(stores, held) for held in attempts]

    await asyncio.gather(
        *(
            until_completed(completion, held, package)
            for held, package in zip(attempts, packages, strict=True)
        )
    )

    assert slow.most_reading == 2


@pytest.mark.parametrize("end", ["cancel", "deadline"])
async def test_a_job_can_end_while_its_package_is_verified(stores, database, slow, restart, end):
    completion, _ = restart()
    held = await stores.running(deadline_seconds=90)
    package = await upload(stores, held)
    assert await complete(completion, held, package) is None
    assert not (await stores.attempts.heartbeat(held.lease)).cancel

    if end == "cancel":
        await stores.cancel(held.lease.job_id)
        assert (await stores.attempts.heartbeat(held.lease)).cancel
        assert await Reaper(database, NO_GRACE).reap() == 1
    else:
        async with database.write() as conn:
            past = update(training_jobs).values(deadline_at=training_jobs.c.created_at)
            await conn.execute(past)
        assert await DeadlineEnforcer(database, NO_GRACE).enforce() == 1

    with pytest.raises(Aborted):
        await complete(completion, held, package)
    job = await stores.job(held.lease.job_id)
    assert job.status == ("cancelled" if end == "cancel" else "timed_out")


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_package_of_gigabytes_completes_by_short_calls_in_little_memory(
    stores, slow, restart
):
    slow.pieces = 0
    completion, _ = restart()
    held = await stores.running()
    package = await upload(stores, held)
    package = (package[0], await _add_zeros(stores.artifacts, package[0], 4 * GIB))
    process = psutil.Process()
    before, most, calls = process.memory_info().rss, 0, 1

    while await complete(completion, held, package) is None:
        most, calls = max(most, process.memory_info().rss), calls + 1

    assert calls > 3
    assert slow.reads == {"results.json": 1, "weights.bin": 1}
    assert most - before < 64 * 2**20


async def _add_zeros(artifacts, key, size):
    """Add a file of zeros, which takes no room on the disk; return the manifest's new hash."""
    folder = Path(urlparse(artifacts.url_of(key)).path)
    with (folder / "weights.bin").open("wb") as file:
        file.truncate(size)
    digest, block = hashlib.sha256(), bytes(2**20)
    for _ in range(size // len(block)):
        digest.update(block)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["weights.bin"] = {"sha256": digest.hexdigest(), "size_bytes": size}
    data = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(data)
    return hashlib.sha256(data).hexdigest()
