"""A cache of files and folders that attempts of several workers share by links."""

import asyncio
import errno
import itertools
import os
import shutil
import threading
from pathlib import Path

import pytest

from omniscope_service.jobs.inputs.cache import ContentCache

SIZE = 100


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def cache(folder):
    return ContentCache(folder, max_bytes=10_000)


@pytest.fixture
def small_cache(folder):
    """Room for two of the entries that `use` makes."""
    return ContentCache(folder, max_bytes=2 * SIZE)


async def download_file(path, letter):
    path.write_text(letter * SIZE)


async def download_folder(path, letter):
    for name in ("manifest.json", "payload/weights.bin"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(letter * (SIZE // 2))


@pytest.fixture(params=[download_file, download_folder], ids=["files", "folders"])
def download(request):
    return request.param


@pytest.fixture
def use(tmp_path, download):
    """Fetches an entry of 100 bytes, named by a letter; returns the attempt's path."""
    attempts = itertools.count(1)

    async def fetch(cache, letter):
        path = tmp_path / "work" / str(next(attempts)) / "input"
        await cache.fetch(letter, path, lambda to: download(to, letter))
        return path

    return fetch


def files_of(path):
    return [file for file in (path, *sorted(path.rglob("*"))) if file.is_file()]


def content(path):
    """The letter that an entry consists of."""
    files = files_of(path)
    assert sum(file.stat().st_size for file in files) == SIZE
    (letter,) = {letter for file in files for letter in file.read_text()}
    return letter


def remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def kept(folder):
    return {content(path) for path in folder.iterdir()}


async def test_an_entry_is_downloaded_once_and_every_attempt_has_one_of_its_own(
    cache, tmp_path, download
):
    downloads = []

    async def counted(path):
        downloads.append(path)
        await download(path, "a")

    for name in ("1", "2"):
        await cache.fetch("a", tmp_path / name, counted)
    remove(tmp_path / "1")

    assert downloads == [tmp_path / "1"]
    assert content(tmp_path / "2") == "a"


async def test_nobody_can_write_to_what_is_shared(cache, use):
    for _ in range(2):
        path = await use(cache, "a")
        assert {file.stat().st_mode & 0o777 for file in files_of(path)} == {0o400}


async def test_a_failed_download_is_not_kept(cache, folder, tmp_path, download):
    async def fail(path):
        await download(path, "a")
        raise ValueError("not what it should be")

    with pytest.raises(ValueError, match="not what it should be"):
        await cache.fetch("a", tmp_path / "1", fail)

    assert not folder.exists()


async def test_an_interrupted_download_leaves_nothing_in_the_cache(cache, folder, tmp_path):
    async def never(path):
        await asyncio.Event().wait()

    fetching = asyncio.create_task(cache.fetch("a", tmp_path / "1", never))
    await asyncio.sleep(0)
    fetching.cancel()
    await asyncio.wait({fetching})

    assert fetching.cancelled()
    assert not folder.exists()


async def test_the_least_recently_used_entry_makes_room(small_cache, folder, use):
    for letter in "abac":
        remove(await use(small_cache, letter))

    assert kept(folder) == {"a", "c"}


async def test_an_entry_in_use_is_kept_beyond_the_limit_until_its_attempt_has_ended(
    small_cache, folder, use
):
    in_use = [await use(small_cache, letter) for letter in "abc"]
    assert kept(folder) == {"a", "b", "c"}

    remove(in_use[1])
    in_use.append(await use(small_cache, "d"))

    assert kept(folder) == {"a", "c", "d"}


async def test_a_folder_of_which_one_file_is_in_use_is_kept(small_cache, folder, tmp_path):
    path = tmp_path / "work"
    await small_cache.fetch("a", path, lambda to: download_folder(to, "a"))
    (path / "manifest.json").unlink()

    for letter in "bcd":
        await small_cache.fetch(
            letter, tmp_path / letter, lambda to, x=letter: download_file(to, x)
        )

    assert (folder / "a").is_dir()


async def test_an_entry_that_is_larger_than_the_cache_is_kept_only_while_it_is_used(folder, use):
    cache = ContentCache(folder, max_bytes=SIZE - 1)

    large = await use(cache, "a")
    assert content(large) == "a"
    remove(large)
    await use(cache, "b")

    assert kept(folder) == {"b"}


async def test_an_entry_that_another_worker_removes_half_way_is_downloaded_again(
    cache, folder, use, monkeypatch
):
    remove(await use(cache, "a"))
    link, links = os.link, itertools.count(1)

    def link_of_one_that_goes(source, target, **options):
        if next(links) == 2:
            shutil.rmtree(folder / "a")
        return link(source, target, **options)

    monkeypatch.setattr("omniscope_service.jobs.inputs.cache.os.link", link_of_one_that_goes)

    assert content(await use(cache, "a")) == "a"


async def test_an_entry_that_another_worker_puts_there_meanwhile_breaks_nothing(
    cache, folder, use, download, monkeypatch
):
    is_dir = Path.is_dir

    def is_dir_before_it_was_put_there(path):
        found = is_dir(path)
        if path == folder / "a" and not found:
            folder.mkdir(exist_ok=True)
            asyncio.run(download(path, "a"))
        return found

    monkeypatch.setattr(Path, "is_dir", is_dir_before_it_was_put_there)

    assert content(await use(cache, "a")) == "a"


async def test_a_disk_that_fails_is_told_by_the_download(cache, tmp_path, download, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    async def download_to_the_disk(path):
        fail()

    await cache.fetch("a", tmp_path / "1", lambda to: download(to, "a"))
    monkeypatch.setattr("omniscope_service.jobs.inputs.cache.os.link", fail)

    with pytest.raises(OSError, match="No space left"):
        await cache.fetch("a", tmp_path / "2", download_to_the_disk)


async def test_the_event_loop_turns_while_an_entry_is_taken(cache, use, monkeypatch):
    remove(await use(cache, "a"))
    link, turned = os.link, threading.Event()

    def link_when_the_loop_has_turned(source, target, **options):
        assert turned.wait(10), "the event loop stood still"
        return link(source, target, **options)

    monkeypatch.setattr(
        "omniscope_service.jobs.inputs.cache.os.link", link_when_the_loop_has_turned
    )
    taking = asyncio.create_task(use(cache, "a"))
    await asyncio.sleep(0)
    turned.set()

    assert content(await taking) == "a"


async def test_a_fetch_that_is_cut_short_leaves_nothing_that_is_written_later(
    cache, use, tmp_path, monkeypatch
):
    remove(await use(cache, "a"))
    link, begun, go_on = os.link, threading.Event(), threading.Event()

    def slow_link(source, target, **options):
        begun.set()
        go_on.wait(10)
        return link(source, target, **options)

    monkeypatch.setattr("omniscope_service.jobs.inputs.cache.os.link", slow_link)
    taking = asyncio.create_task(use(cache, "a"))
    await asyncio.to_thread(begun.wait, 10)
    taking.cancel()
    asyncio.get_running_loop().call_soon(go_on.set)
    await asyncio.wait({taking})
    shutil.rmtree(tmp_path / "work")

    assert taking.cancelled()
    assert not (tmp_path / "work").exists()


async def test_what_a_worker_left_that_died_while_it_kept_an_entry_goes_in_its_turn(
    small_cache, folder, use
):
    (folder / ".unfinished").mkdir(parents=True)
    await download_folder(folder / ".unfinished" / "x", "x")
    (folder / ".empty").mkdir()

    for letter in "ab":
        remove(await use(small_cache, letter))

    assert {path.name for path in folder.iterdir()} == {".empty", "a", "b"}


async def test_workers_that_share_a_cache_take_nothing_from_each_other(folder, use):
    workers = [ContentCache(folder, max_bytes=SIZE) for _ in range(2)]

    paths = await asyncio.gather(
        *(use(worker, letter) for letter in "abcd" for worker in workers for _ in range(3))
    )

    assert [content(path) for path in paths] == sorted("abcd" * 6)
