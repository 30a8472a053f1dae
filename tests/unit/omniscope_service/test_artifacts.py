"""The artifact store on a real folder."""

import pytest

from omniscope_service.artifacts import ArtifactStore
from omniscope_service.errors import ConfigurationError, InvalidArgument, NotFound, Unavailable

NO_KEYS = ["", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", "a\\b", "a\nb", "a\0b"]


@pytest.fixture
def store(tmp_path):
    return ArtifactStore.open((tmp_path / "artifacts").as_uri())


@pytest.fixture
def folder(tmp_path):
    """A folder like a model package: nested, with an empty file and unusual names."""
    files = {
        "manifest.json": b"{}",
        "payload/models/trainer.pkl": bytes(1_000_000),
        "payload/empty": b"",
        "payload/~odd (1)#%.bin": b"odd",
        "payload/größe": b"umlaut",
    }
    for name, data in files.items():
        path = tmp_path / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "package"


def files_of(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


async def test_bytes_come_back(store):
    await store.put_bytes("jobs/j/plan.json", b"{}")

    assert await store.get_bytes("jobs/j/plan.json") == b"{}"


async def test_writing_again_replaces(store):
    await store.put_bytes("a", b"first")
    await store.put_bytes("a", b"second")

    assert await store.get_bytes("a") == b"second"


async def test_a_file_comes_back_and_its_folder_is_made(store, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 40_000)
    await store.put_file("datasets/d/data.arrow", source)

    await store.get_file("datasets/d/data.arrow", tmp_path / "cache" / "d" / "data.arrow")

    assert (tmp_path / "cache/d/data.arrow").read_bytes() == source.read_bytes()


async def test_a_file_that_is_not_there_leaves_nothing_behind(store, tmp_path):
    with pytest.raises(NotFound):
        await store.get_file("missing", tmp_path / "cache" / "file")

    assert list((tmp_path / "cache").iterdir()) == []


async def test_a_stream_comes_in_chunks_of_the_size_that_was_asked_for(store):
    await store.put_bytes("a", bytes(1000))

    chunks = [chunk async for chunk in store.stream("a", chunk_bytes=300)]

    assert [len(chunk) for chunk in chunks] == [300, 300, 300, 100]


async def test_a_folder_comes_back(store, folder, tmp_path):
    await store.put_folder("jobs/j/package", folder)
    await store.get_folder("jobs/j/package", tmp_path / "copy")

    assert files_of(tmp_path / "copy") == files_of(folder)
    assert (tmp_path / "copy/payload/größe").read_bytes() == b"umlaut"


async def test_a_folder_is_listed_by_key_with_sizes(store, folder):
    await store.put_folder("jobs/j/package", folder)

    listing = await store.list("jobs/j")

    assert listing[0] == ("jobs/j/package/manifest.json", 2)
    assert listing == sorted(listing)
    assert len(listing) == 5


async def test_a_list_holds_nothing_of_a_sibling_with_the_same_beginning(store):
    await store.put_bytes("jobs/1/a", b"")
    await store.put_bytes("jobs/12/a", b"")

    assert await store.list("jobs/1") == [("jobs/1/a", 0)]


async def test_a_deleted_prefix_is_gone_and_its_sibling_stays(store, folder):
    await store.put_folder("jobs/j/attempts/1-x", folder)
    await store.put_bytes("jobs/j/attempts/2-y/a", b"kept")

    await store.delete_prefix("jobs/j/attempts/1-x")
    await store.delete_prefix("jobs/j/attempts/1-x")

    assert await store.list("jobs") == [("jobs/j/attempts/2-y/a", 4)]


async def test_exists_tells_artifacts_from_prefixes(store):
    await store.put_bytes("jobs/j/a", b"")

    assert await store.exists("jobs/j/a")
    assert not await store.exists("jobs/j")
    assert not await store.exists("jobs/k")


async def test_a_link_in_a_folder_is_refused(store, folder):
    (folder / "payload" / "link").symlink_to("/etc/passwd")

    with pytest.raises(InvalidArgument, match="'payload/link' is a link"):
        await store.put_folder("jobs/j", folder)

    assert await store.list("jobs") == []


async def test_one_file_that_cannot_be_written_is_the_error_of_the_folder(store, folder):
    await store.put_bytes("jobs/j/payload", b"a file where a folder should be")

    with pytest.raises(Unavailable) as caught:
        await store.put_folder("jobs/j", folder)

    assert caught.value.reason == "ARTIFACT_STORE_UNAVAILABLE"


async def test_missing_artifacts_are_not_found(store, tmp_path):
    for reading in (
        store.get_bytes("missing"),
        anext(store.stream("missing")),
        store.get_folder("missing", tmp_path / "copy"),
    ):
        with pytest.raises(NotFound) as caught:
            await reading
        assert caught.value.reason == "ARTIFACT_NOT_FOUND"


@pytest.mark.parametrize("key", NO_KEYS)
async def test_what_is_no_key_is_refused(key, store):
    for reading in (store.get_bytes(key), store.put_bytes(key, b""), store.list(key)):
        with pytest.raises(InvalidArgument) as caught:
            await reading
        assert caught.value.reason == "ARTIFACT_KEY_INVALID"


def test_an_address_names_the_artifact(store, tmp_path):
    assert store.url_of("jobs/j/package") == (tmp_path / "artifacts/jobs/j/package").as_uri()


@pytest.mark.parametrize("url", ["nowhere://bucket", "artifacts"])
def test_a_url_that_names_no_store_is_refused(url):
    with pytest.raises(ConfigurationError, match="Cannot open the artifact store"):
        ArtifactStore.open(url)
