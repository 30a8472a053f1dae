"""The store of datasets and model packages: a local folder or an object store, by URL."""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import obstore
import obstore.exceptions
import obstore.store

from omniscope_service.errors import (
    ConfigurationError,
    InvalidArgument,
    NotFound,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence

Listing: TypeAlias = list[tuple[str, int]]
"""Keys with their sizes in bytes."""

STREAM_CHUNK_BYTES = 256 * 1024
_FILE_CHUNK_BYTES = 4 * 1024 * 1024
_CONCURRENT_FILES = 8


class ArtifactStore:
    """Reads and writes artifacts by key.

    A key is a relative path with `/` between its parts, for example
    `datasets/<sha256>/data.arrow`. A write is visible as a whole or not at all. All methods raise
    `InvalidArgument` for a key that is not one, `NotFound` (reason ARTIFACT_NOT_FOUND) for a
    missing one and `Unavailable` (reason ARTIFACT_STORE_UNAVAILABLE) when the store fails.
    """

    def __init__(self, store: obstore.store.ObjectStore, url: str) -> None:
        self._store = store
        self._url = url.rstrip("/")

    @classmethod
    def open(cls, url: str) -> ArtifactStore:
        """Open the store at a URL: `file:///…` (made when missing), `s3://…`, `gs://…`, `az://…`.

        Raises:
            ConfigurationError: The URL names no store.
        """
        try:
            if url.startswith("file://"):
                return cls(obstore.store.from_url(url, mkdir=True), url)
            return cls(obstore.store.from_url(url), url)
        except (obstore.exceptions.BaseError, OSError, ValueError) as err:
            raise ConfigurationError(f"Cannot open the artifact store {url}: {err}") from err

    def url_of(self, key: str) -> str:
        """Return the address of a key or prefix, as MLflow and people can use it."""
        return f"{self._url}/{_checked(key)}"

    async def exists(self, key: str) -> bool:
        """Tell whether there is an artifact with exactly this key."""
        try:
            with _translated(key):
                await obstore.head_async(self._store, _checked(key))
        except NotFound:
            return False
        return True

    async def put_bytes(self, key: str, data: bytes) -> None:
        """Write a small artifact."""
        with _translated(key):
            await obstore.put_async(self._store, _checked(key), data)

    async def get_bytes(self, key: str) -> bytes:
        """Read a small artifact."""
        with _translated(key):
            result = await obstore.get_async(self._store, _checked(key))
            return bytes(await result.bytes_async())

    async def put_file(self, key: str, path: Path) -> None:
        """Write a file of any size, in parts."""
        with _translated(key):
            await obstore.put_async(self._store, _checked(key), path)

    async def get_file(self, key: str, path: Path) -> None:
        """Read an artifact of any size into a file, which appears only when it is complete."""
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                async for chunk in self.stream(key, _FILE_CHUNK_BYTES):
                    await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(os.replace, part, path)
        finally:
            await asyncio.to_thread(Path(part).unlink, missing_ok=True)

    async def stream(
        self, key: str, chunk_bytes: int = STREAM_CHUNK_BYTES
    ) -> AsyncGenerator[bytes, None]:
        """Read an artifact in chunks of at most `chunk_bytes` bytes."""
        if isinstance(self._store, obstore.store.LocalStore):
            async for chunk in self._ranges(key, chunk_bytes):
                yield chunk
            return
        with _translated(key):
            result = await obstore.get_async(self._store, _checked(key))
            async for block in result.stream(min_chunk_size=chunk_bytes):
                view = memoryview(block)
                for start in range(0, len(view), chunk_bytes):
                    yield bytes(view[start : start + chunk_bytes])

    async def _ranges(self, key: str, chunk_bytes: int) -> AsyncGenerator[bytes, None]:
        # obstore streams local files in pieces of 8 KiB: that takes four times the processor time.
        with _translated(key):
            size = (await obstore.head_async(self._store, _checked(key)))["size"]
            for start in range(0, size, chunk_bytes):
                end = min(start + chunk_bytes, size)
                block = await obstore.get_range_async(self._store, key, start=start, end=end)
                yield bytes(block)

    async def list(self, prefix: str) -> Listing:
        """Return the artifacts below a prefix, ordered by key; empty when there are none."""
        with _translated(prefix):
            found: Listing = []
            async for batch in obstore.list(self._store, f"{_checked(prefix)}/"):
                found.extend((meta["path"], meta["size"]) for meta in batch)
            return sorted(found)

    async def delete_prefix(self, prefix: str) -> None:
        """Delete every artifact below a prefix. Idempotent."""
        await self.delete([key for key, _ in await self.list(prefix)])

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete artifacts. Idempotent: one that is not there counts as deleted."""
        await _each(keys, self._delete)

    async def _delete(self, key: str) -> None:
        with suppress(NotFound), _translated(key):
            await obstore.delete_async(self._store, _checked(key))

    async def put_folder(self, prefix: str, folder: Path) -> None:
        """Write every file of a folder under a prefix; links are refused."""
        files = await asyncio.to_thread(_files_of, folder)
        await _each(files, lambda name: self.put_file(f"{prefix}/{name}", folder / name))

    async def get_folder(self, prefix: str, folder: Path) -> None:
        """Read every artifact below a prefix into a folder.

        Raises:
            NotFound: There is none.
        """
        listing = await self.list(prefix)
        if not listing:
            raise _not_found(prefix)
        names = [key.removeprefix(f"{prefix}/") for key, _ in listing]
        await self.get_files(prefix, names, folder)

    async def get_files(self, prefix: str, names: Sequence[str], folder: Path) -> None:
        """Read certain artifacts below a prefix into a folder."""
        await _each(names, lambda name: self.get_file(f"{prefix}/{name}", folder / _checked(name)))


async def _each(names: Sequence[str], transfer: Callable[[str], Awaitable[None]]) -> None:
    """Transfer files a few at a time; raise the first error by itself, not in a group."""
    slots = asyncio.Semaphore(_CONCURRENT_FILES)

    async def one(name: str) -> None:
        async with slots:
            await transfer(name)

    try:
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(one(name))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors


def _checked(key: str) -> str:
    parts = key.split("/")
    if not all(parts) or {".", ".."} & set(parts) or "\\" in key or not key.isprintable():
        raise InvalidArgument(
            f"{key!r} is no artifact key: relative, parts separated by '/', none empty or dots.",
            reason="ARTIFACT_KEY_INVALID",
        )
    return key


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except (obstore.exceptions.NotFoundError, FileNotFoundError) as err:
        raise _not_found(key) from err
    except obstore.exceptions.InvalidPathError as err:
        raise InvalidArgument(
            f"{key!r} is no artifact key.", reason="ARTIFACT_KEY_INVALID"
        ) from err
    except (obstore.exceptions.BaseError, OSError) as err:
        raise Unavailable(
            f"The artifact store failed at {key!r}.", reason="ARTIFACT_STORE_UNAVAILABLE"
        ) from err


def _not_found(key: str) -> NotFound:
    return NotFound(
        f"There is no artifact {key!r}.",
        reason="ARTIFACT_NOT_FOUND",
        metadata={"resource_type": "artifact", "resource_name": key},
    )


def _files_of(folder: Path) -> list[str]:
    names = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise InvalidArgument(
                f"{name!r} is a link; packages hold plain files only.",
                reason="ARTIFACT_LINK_REFUSED",
            )
        if path.is_file():
            names.append(name)
    return names
