"""A downloaded package is what the registry has signed, whole, and nothing else."""

import pytest

from omniscope_service.errors import DataLoss, Unavailable
from omniscope_service.jobs.inputs.package import download_package
from tests.unit.omniscope_service.jobs.packages import FILES, SigningKey, entry, store_package

DATA = FILES["payload/weights.bin"]


@pytest.fixture
def download(artifacts, key, tmp_path):
    """Downloads a package to `downloaded`."""

    async def to_folder(claimed, public_key=key.public_key):
        await download_package(artifacts, claimed, public_key, tmp_path / "downloaded")
        return tmp_path / "downloaded"

    return to_folder


@pytest.fixture
def refusal(download, tmp_path):
    """Downloads a package that is refused; returns the error."""

    async def error_of(claimed, **changes):
        with pytest.raises(DataLoss) as caught:
            await download(claimed, **changes)
        assert claimed.model_id in str(caught.value)
        assert not (tmp_path / "downloaded" / "manifest.json").exists()
        return caught.value

    return error_of


async def test_a_package_is_downloaded_with_manifest_signature_and_the_trusted_key(
    artifacts, key, download
):
    claimed = await store_package(artifacts, key)
    await artifacts.put_bytes(f"{claimed.artifact_key}/registry.pub", b"somebody else's")

    folder = await download(claimed)

    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}
    assert found.keys() == {*FILES, "manifest.json", "manifest.sig", "registry.pub"}
    assert {path: found[path] for path in FILES} == FILES
    assert found["registry.pub"] == key.public_key


@pytest.mark.parametrize("public_key", [SigningKey().public_key, b"no key", b""])
async def test_a_package_that_another_key_has_signed_is_not_genuine(
    artifacts, key, refusal, tmp_path, public_key
):
    error = await refusal(await store_package(artifacts, key), public_key=public_key)

    assert error.reason == "PACKAGE_SIGNATURE_INVALID"
    assert not (tmp_path / "downloaded").exists()


@pytest.mark.parametrize("signature", [b"", b"0" * 64])
async def test_a_package_with_a_forged_signature_is_not_genuine(
    artifacts, key, refusal, signature
):
    claimed = await store_package(artifacts, key)
    await artifacts.put_bytes(f"{claimed.artifact_key}/manifest.sig", signature)

    assert (await refusal(claimed)).reason == "PACKAGE_SIGNATURE_INVALID"


async def test_a_manifest_of_another_package_is_refused_although_it_is_signed(
    artifacts, key, refusal
):
    claimed = await store_package(artifacts, key)
    await store_package(artifacts, key, files={"a": b"1"}, prefix=claimed.artifact_key)

    error = await refusal(claimed)

    assert error.reason == "PACKAGE_CORRUPT"
    assert "manifest.json does not have the SHA-256" in str(error)


@pytest.mark.parametrize("path", ["manifest.json", "manifest.sig", "payload/weights.bin"])
async def test_a_package_without_one_of_its_files_is_corrupt(artifacts, key, refusal, path):
    claimed = await store_package(artifacts, key)
    await artifacts.delete([f"{claimed.artifact_key}/{path}"])

    error = await refusal(claimed)

    assert error.reason == "PACKAGE_CORRUPT"
    assert f"{path} is missing" in str(error)


async def test_a_file_that_was_changed_is_corrupt(artifacts, key, refusal):
    claimed = await store_package(artifacts, key)
    await artifacts.put_bytes(f"{claimed.artifact_key}/payload/weights.bin", b"\x02" * 64)

    error = await refusal(claimed)

    assert error.reason == "PACKAGE_CORRUPT"
    assert "payload/weights.bin does not have the SHA-256" in str(error)


async def test_a_file_that_has_grown_is_refused_before_it_is_fetched(
    artifacts, key, refusal, tmp_path
):
    claimed = await store_package(artifacts, key)
    await artifacts.put_bytes(f"{claimed.artifact_key}/payload/weights.bin", DATA + b"more")

    error = await refusal(claimed)

    assert error.reason == "PACKAGE_CORRUPT"
    assert "does not have 64 bytes" in str(error)
    assert not (tmp_path / "downloaded").exists()


async def test_a_file_that_nobody_listed_is_refused(artifacts, key, refusal):
    claimed = await store_package(artifacts, key)
    await artifacts.put_bytes(f"{claimed.artifact_key}/payload/__init__.py", b"evil = True")

    error = await refusal(claimed)

    assert error.reason == "PACKAGE_CORRUPT"
    assert "payload/__init__.py is not in the manifest" in str(error)


async def test_a_link_in_the_store_is_refused(artifacts, key, refusal, tmp_path):
    claimed = await store_package(artifacts, key)
    stored = tmp_path / "artifacts" / claimed.artifact_key
    (tmp_path / "secret").write_bytes(b"secret")
    (stored / "link").symlink_to(tmp_path / "secret")

    assert (await refusal(claimed)).reason == "PACKAGE_CORRUPT"


@pytest.mark.parametrize(
    "path",
    ["../outside", "/etc/passwd", "a/../../b", "", "a//b", "./a", "a\\b", "a\nb"],
)
async def test_a_path_that_leaves_the_package_is_refused(artifacts, key, refusal, path, tmp_path):
    claimed = await store_package(artifacts, key, listed={path: entry(DATA)}, files={})

    error = await refusal(claimed)

    assert error.reason == "PACKAGE_CORRUPT"
    assert "no path of a file within a package" in str(error)
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("paths", [("manifest.sig",), ("a", "a/b")])
async def test_files_that_would_replace_others_are_refused(artifacts, key, refusal, paths):
    listed = {path: entry(DATA) for path in paths}

    error = await refusal(await store_package(artifacts, key, listed=listed, files={}))

    assert error.reason == "PACKAGE_CORRUPT"


@pytest.mark.parametrize(
    "listed",
    [["a"], {"a": 1}, {"a": {"sha256": "0" * 64}}, {"a": {"sha256": 1, "size_bytes": 1}}],
)
async def test_a_manifest_of_another_form_is_corrupt(artifacts, key, refusal, listed):
    claimed = await store_package(artifacts, key, listed=listed, files={})

    assert (await refusal(claimed)).reason == "PACKAGE_CORRUPT"


async def test_a_store_that_fails_is_no_corruption(artifacts, key, download, tmp_path):
    claimed = await store_package(artifacts, key)
    file = tmp_path / "artifacts" / claimed.artifact_key / "manifest.json"
    file.unlink()
    file.symlink_to(file)  # reading it fails

    with pytest.raises(Unavailable):
        await download(claimed)
