"""Packages in the artifact store: every file must be what the manifest says."""

from __future__ import annotations

import asyncio
import hashlib
import json
import operator
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NoReturn

from omniscope_service.errors import DataLoss, NotFound
from omniscope_service.package_paths import MANIFEST, UNLISTED, first_invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omniscope_service.artifacts import ArtifactStore

FORMAT_VERSION: Final = 1

_CHUNK_BYTES: Final = 1024 * 1024
_CONCURRENT_FILES: Final = 8
# What every manifest has, and what each field must be.
_FIELDS: Final[Mapping[str, type]] = {"kind": str, "job_id": str, "attempt": int, "files": dict}


@dataclass(frozen=True)
class PackagedFile:
    """A file as the manifest lists it: its path in the package, SHA-256 and size."""

    path: str
    digest: str
    size_bytes: int


async def read_manifest(artifacts: ArtifactStore, key: str, digest: str) -> bytes:
    """Return the bytes of a package's manifest.

    Args:
        artifacts: The store.
        key: Of the package.
        digest: SHA-256 that the manifest must have, hexadecimal.

    Raises:
        DataLoss: It is missing or has another hash; reason PACKAGE_CORRUPT.
    """
    data = await read_file(artifacts, key, MANIFEST)
    if hashlib.sha256(data).hexdigest() != digest:
        corrupt(key, f"{MANIFEST} does not have the SHA-256 {digest}")
    return data


async def read_file(artifacts: ArtifactStore, key: str, path: str) -> bytes:
    """Return a small file of a package.

    Raises:
        DataLoss: It is missing; reason PACKAGE_CORRUPT.
    """
    try:
        return await artifacts.get_bytes(f"{key}/{path}")
    except NotFound:
        corrupt(key, f"{path} is missing")


def parse_manifest(
    key: str, data: bytes, fields: Mapping[str, type] = MappingProxyType({})
) -> Mapping[str, Any]:
    """Return a manifest that has all that the registry needs of it.

    Args:
        key: Of the package.
        data: The bytes of the manifest.
        fields: What it must have besides what every manifest has, and of which type.

    Raises:
        DataLoss: It has not; reason PACKAGE_CORRUPT.
    """
    manifest = json_object(key, MANIFEST, data)
    if manifest.get("format_version") != FORMAT_VERSION:
        corrupt(key, f"format_version is {manifest.get('format_version')!r}, not {FORMAT_VERSION}")
    for name, kind in {**_FIELDS, **fields}.items():
        if not isinstance(manifest.get(name), kind):
            corrupt(key, f"{MANIFEST} has no field {name} of type {kind.__name__}")
    return manifest


def packaged_files(key: str, manifest: Mapping[str, Any]) -> list[PackagedFile]:
    """Return the files that a manifest lists, ordered by path.

    Raises:
        DataLoss: An entry is malformed, or no worker could put a file there; reason
            PACKAGE_CORRUPT.
    """
    try:
        files = [
            PackagedFile(path, str(entry["sha256"]), operator.index(entry["size_bytes"]))
            for path, entry in sorted(manifest["files"].items())
        ]
    except (KeyError, TypeError):
        corrupt(key, "an entry of files is not {sha256, size_bytes}")
    if (invalid := first_invalid(manifest["files"])) is not None:
        corrupt(key, f"{invalid!r} is no path of a file within a package")
    return files


async def verify_files(artifacts: ArtifactStore, key: str, files: list[PackagedFile]) -> None:
    """Read every file and compare it with the manifest.

    Raises:
        DataLoss: One is missing, differs, or is not listed; reason PACKAGE_CORRUPT.
    """
    found = {path.removeprefix(f"{key}/"): size for path, size in await artifacts.list(key)}
    if unlisted := found.keys() - UNLISTED - {file.path for file in files}:
        corrupt(key, f"{min(unlisted)} is not in the manifest")
    slots = asyncio.Semaphore(_CONCURRENT_FILES)

    async def verify(file: PackagedFile) -> None:
        if found.get(file.path) != file.size_bytes:
            corrupt(key, f"{file.path} is missing or does not have {file.size_bytes} bytes")
        async with slots:
            digest = await _digest(artifacts, f"{key}/{file.path}")
        if digest != file.digest:
            corrupt(key, f"{file.path} does not have the SHA-256 {file.digest}")

    # One at a time would wait for a distant store hundreds of times.
    for outcome in await asyncio.gather(*map(verify, files), return_exceptions=True):
        if outcome is not None:
            raise outcome


def corrupt(key: str, what: str) -> NoReturn:
    """Raise the error for a package that is not what it should be."""
    raise DataLoss(f"The package {key} is corrupt: {what}.", reason="PACKAGE_CORRUPT")


async def _digest(artifacts: ArtifactStore, key: str) -> str:
    digest = hashlib.sha256()
    async for chunk in artifacts.stream(key, _CHUNK_BYTES):
        await asyncio.to_thread(digest.update, chunk)
    return digest.hexdigest()


def json_object(key: str, path: str, data: bytes) -> dict[str, Any]:
    """Return what a file of a package holds, which has to be a JSON object.

    Raises:
        DataLoss: It is none; reason PACKAGE_CORRUPT.
    """
    try:
        # NaN and Infinity are no JSON, and no metric either.
        parsed = json.loads(data, parse_constant=lambda name: corrupt(key, f"{path} holds {name}"))
    except ValueError:
        corrupt(key, f"{path} is no JSON")
    if not isinstance(parsed, dict):
        corrupt(key, f"{path} is no JSON object")
    return parsed
