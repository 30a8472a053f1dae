"""Streams a package as a tar, made on the way: nothing is written, memory stays flat."""

from __future__ import annotations

import hashlib
import tarfile
from typing import TYPE_CHECKING, Final

from omniscope_registry.packages.package import (
    PackagedFile,
    corrupt,
    packaged_files,
    parse_manifest,
    read_file,
    read_manifest,
)
from omniscope_service.errors import NotFound
from omniscope_service.package_paths import MANIFEST, PUBLIC_KEY, SIGNATURE
from omniscope_service.signatures import is_signed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from omniscope_service.artifacts import ArtifactStore

# A message stays below 256 KiB with the fields around the data.
_CHUNK_BYTES: Final = 252 * 1024


async def package_tar(
    artifacts: ArtifactStore, key: str, *, manifest_digest: str, time: datetime, folder: str = ""
) -> AsyncIterator[bytes]:
    """Yield an uncompressed tar of a package in chunks of at most 252 KiB.

    The same package always gives the same bytes. Every file is compared with the manifest while it
    passes, and the manifest with its signature before anything does.

    Args:
        artifacts: The store.
        key: Of the package.
        manifest_digest: SHA-256 of the manifest, hexadecimal.
        time: Modification time of all files.
        folder: Only its files, beside manifest, signature and public key. Default: all files.

    Raises:
        DataLoss: A file is missing or differs; reason PACKAGE_CORRUPT.
        NotFound: The package has no such folder; reason FOLDER_NOT_FOUND.
    """
    buffer = bytearray()
    manifest = await read_manifest(artifacts, key, manifest_digest)
    files = _within(folder, packaged_files(key, parse_manifest(key, manifest)))
    async for piece in _pieces(artifacts, key, manifest, files, int(time.timestamp())):
        buffer += piece
        while len(buffer) >= _CHUNK_BYTES:
            yield bytes(buffer[:_CHUNK_BYTES])
            del buffer[:_CHUNK_BYTES]
    yield bytes(buffer)


def _within(folder: str, files: list[PackagedFile]) -> list[PackagedFile]:
    if not folder:
        return files
    inside = [file for file in files if file.path.startswith(f"{folder.rstrip('/')}/")]
    if not inside:
        folders = sorted({file.path.split("/")[0] for file in files if "/" in file.path})
        raise NotFound(
            f"The package has no folder {folder!r}; it has {', '.join(folders)}.",
            reason="FOLDER_NOT_FOUND",
            field="folder",
        )
    return inside


async def _pieces(
    artifacts: ArtifactStore, key: str, manifest: bytes, files: list[PackagedFile], mtime: int
) -> AsyncIterator[bytes]:
    signature = await read_file(artifacts, key, SIGNATURE)
    public_key = await read_file(artifacts, key, PUBLIC_KEY)
    if not is_signed(manifest, signature, public_key):
        corrupt(key, f"{SIGNATURE} is not the signature of {PUBLIC_KEY} over {MANIFEST}")
    own = {MANIFEST: manifest, SIGNATURE: signature, PUBLIC_KEY: public_key}
    for path, data in own.items():
        yield _header(path, len(data), mtime)
        yield data
        yield _padding(len(data))
    for file in files:
        yield _header(file.path, file.size_bytes, mtime)
        async for data in _verified(artifacts, key, file):
            yield data
        yield _padding(file.size_bytes)
    yield bytes(2 * tarfile.BLOCKSIZE)


async def _verified(
    artifacts: ArtifactStore, key: str, file: PackagedFile
) -> AsyncIterator[bytes]:
    digest = hashlib.sha256()
    try:
        async for chunk in artifacts.stream(f"{key}/{file.path}"):
            digest.update(chunk)
            yield chunk
    except NotFound:
        corrupt(key, f"{file.path} is missing")
    # A wrong size would have a wrong hash as well.
    if digest.hexdigest() != file.digest:
        corrupt(key, f"{file.path} does not have the SHA-256 {file.digest}")


def _header(path: str, size: int, mtime: int) -> bytes:
    member = tarfile.TarInfo(path)
    member.size, member.mtime = size, mtime
    return member.tobuf(tarfile.PAX_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)
