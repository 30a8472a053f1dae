import hashlib
import io
import stat
import tarfile

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from omniscope.registry.v1 import model_service_pb2 as messages
from omniscope_registry.packages.signing import ManifestSigner
from omniscope_service.errors import ConfigurationError, DataLoss


@pytest.fixture
def database_url(tmp_path):
    """One kind of database is enough: this is about files."""
    return f"sqlite+aiosqlite:///{tmp_path / 'registry.db'}"


async def test_a_verified_package_carries_the_registrys_signature(
    registrar, insert_job, put_package, artifacts
):
    job = await insert_job()
    key, digest = await put_package(job)

    package = await registrar.verify(key, digest)

    manifest = await artifacts.get_bytes(f"{key}/manifest.json")
    signature = await artifacts.get_bytes(f"{key}/manifest.sig")
    public_key = load_pem_public_key(await artifacts.get_bytes(f"{key}/registry.pub"))
    assert isinstance(public_key, Ed25519PublicKey)
    public_key.verify(signature, manifest)
    with pytest.raises(InvalidSignature):
        public_key.verify(signature, manifest + b" ")
    assert (package.key, package.manifest_digest) == (key, digest)
    assert await registrar.verify(key, digest) == package


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param({"MLmodel": b"flavors: []\n"}, "MLmodel does not have the SHA", id="changed"),
        pytest.param({"MLmodel": b"longer than before\n"}, "MLmodel is missing or", id="longer"),
        pytest.param({"payload/extra.pkl": b"x"}, "payload/extra.pkl is not in", id="unlisted"),
        pytest.param({"manifest.json": b"{}"}, "manifest.json does not have", id="manifest"),
    ],
)
async def test_a_package_that_differs_from_its_manifest_is_refused(
    registrar, insert_job, put_package, artifacts, spoil, message
):
    key, digest = await put_package(await insert_job())
    for path, data in spoil.items():
        await artifacts.put_bytes(f"{key}/{path}", data)

    with pytest.raises(DataLoss) as caught:
        await registrar.verify(key, digest)

    assert caught.value.reason == "PACKAGE_CORRUPT"
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 2}, "format_version is 2"),
        ({"classes": None}, "no field classes"),
        ({"files": {"results.json": b"no json"}}, "results.json is no JSON"),
        ({"files": {"results.json": b'{"metrics": [{"rows": NaN}]}'}}, "results.json holds NaN"),
        ({"files": {"results.json": b'{"unknown": 1}'}}, "ModelResults"),
        ({"files": {"results.json": b"[]"}}, "no JSON object"),
    ],
)
async def test_a_malformed_package_is_refused(
    registrar, insert_job, put_package, changes, message
):
    key, digest = await put_package(await insert_job(), **changes)

    with pytest.raises(DataLoss) as caught:
        await registrar.verify(key, digest)

    assert caught.value.reason == "PACKAGE_CORRUPT"
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("paths", "invalid"),
    [
        (["manifest.sig"], "manifest.sig"),
        (["a", "a/b"], "a/b"),
        (["registry.pub/a"], "registry.pub/a"),
        (["../outside"], "../outside"),
        (["a//b"], "a//b"),
        ([""], ""),
    ],
)
async def test_a_package_that_no_worker_could_fetch_is_not_registered(
    registrar, insert_job, put_package, paths, invalid
):
    empty = {"sha256": hashlib.sha256().hexdigest(), "size_bytes": 0}
    package = await put_package(await insert_job(), listed=dict.fromkeys(paths, empty))

    with pytest.raises(DataLoss) as caught:
        await registrar.verify(*package)

    assert caught.value.reason == "PACKAGE_CORRUPT"
    assert f"{invalid!r} is no path of a file within a package" in caught.value.message


@pytest.mark.parametrize("size", ["1", 1.5, None])
async def test_a_size_that_is_no_number_of_bytes_is_refused(
    registrar, insert_job, put_package, size
):
    file = {"sha256": hashlib.sha256().hexdigest(), "size_bytes": size}
    package = await put_package(await insert_job(), listed={"a": file})

    with pytest.raises(DataLoss, match="an entry of files is not"):
        await registrar.verify(*package)


async def test_a_package_that_is_not_there_is_refused(registrar):
    with pytest.raises(DataLoss) as caught:
        await registrar.verify("jobs/none/attempts/1-abc/package", "0" * 64)

    assert caught.value.reason == "PACKAGE_CORRUPT"


async def test_a_package_of_another_attempt_is_refused(
    registrar, insert_job, put_package, database
):
    job = await insert_job()
    package = await registrar.verify(*await put_package(job, attempt=7))

    with pytest.raises(DataLoss, match="attempt 7"):
        async with database.write() as conn:
            await registrar.register(conn, package, job)


async def test_a_download_is_a_tar_of_the_package_in_small_messages(
    stub, register, artifacts, tmp_path
):
    model_id = await register()
    request = messages.DownloadModelRequest(model_id=model_id)

    chunks = [message async for message in stub.DownloadModel(request)]
    again = [message async for message in stub.DownloadModel(request)]

    assert max(message.ByteSize() for message in chunks) <= 256 * 1024
    assert {message.content_type for message in chunks} == {"application/x-tar"}
    assert chunks == again
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunk.data for chunk in chunks))) as archive:
        archive.extractall(tmp_path / "model", filter="data")
    model = await stub.GetModel(messages.GetModelRequest(model_id=model_id))
    stored = {
        key.removeprefix(f"{model.artifacts_path}/")
        for key, _ in await artifacts.list(model.artifacts_path)
    }
    unpacked = {
        path.relative_to(tmp_path / "model").as_posix(): path.read_bytes()
        for path in (tmp_path / "model").rglob("*")
        if path.is_file()
    }
    assert unpacked.keys() == stored
    assert {"manifest.json", "manifest.sig", "registry.pub", "MLmodel"} <= stored
    assert unpacked["payload/deep/weights.bin"] == bytes(range(256)) * 3000
    assert hashlib.sha256(unpacked["manifest.json"]).hexdigest() == model.manifest_digest


async def test_a_download_of_a_spoilt_package_fails_instead_of_handing_it_out(
    stub, register, artifacts, refused
):
    model_id = await register()
    model = await stub.GetModel(messages.GetModelRequest(model_id=model_id))
    await artifacts.put_bytes(f"{model.artifacts_path}/MLmodel", b"flavors: []\n")

    error = await refused(
        _drain(stub.DownloadModel(messages.DownloadModelRequest(model_id=model_id)))
    )

    assert error.reason == "PACKAGE_CORRUPT"


@pytest.mark.parametrize(
    "path",
    [
        "MLmodel",
        "payload/deep/weights.bin",
        "results.json",
        "manifest.json",
        "manifest.sig",
        "registry.pub",
    ],
)
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
async def test_one_changed_byte_in_the_store_is_enough_to_refuse_a_download(
    stub, register, artifacts, refused, path, place
):
    model_id = await register()
    model = await stub.GetModel(messages.GetModelRequest(model_id=model_id))
    key = f"{model.artifacts_path}/{path}"
    data = bytearray(await artifacts.get_bytes(key))
    # Not in the line end of the key's last line, which means nothing.
    data[int(place * (len(data) - 2))] ^= 1
    await artifacts.put_bytes(key, bytes(data))

    error = await refused(
        _drain(stub.DownloadModel(messages.DownloadModelRequest(model_id=model_id)))
    )

    assert isinstance(error, DataLoss)
    assert error.reason == "PACKAGE_CORRUPT"


async def _drain(call):
    return [message async for message in call]


def test_the_signing_key_is_made_once_and_private(tmp_path):
    path = tmp_path / "home" / "signing-key"

    made = ManifestSigner.open(path)
    again = ManifestSigner.open(path)

    assert again.public_key == made.public_key
    assert again.sign(b"x") == made.sign(b"x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["signing-key"]


def test_a_signing_key_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "signing-key"
    ManifestSigner.open(path)
    path.chmod(0o644)

    with pytest.raises(ConfigurationError, match="0600"):
        ManifestSigner.open(path)


def test_a_file_that_holds_no_key_is_refused(tmp_path):
    path = tmp_path / "signing-key"
    path.touch(mode=0o600)
    path.write_text("hello")

    with pytest.raises(ConfigurationError, match="no private key"):
        ManifestSigner.open(path)
