"""Download of a model package: signature, then files, all verified before anything is opened."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from omniscope_service.digests import sha256_of
from omniscope_service.errors import DataLoss, NotFound
from omniscope_service.package_paths import (
    MANIFEST,
    PUBLIC_KEY,
    SIGNATURE,
    UNLISTED,
    first_invalid,
)
from omniscope_service.signatures import is_signed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from omniscope.registry.v1.worker_service_pb2 import ClaimedInput
    from omniscope_service.artifacts import ArtifactStore

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class _File:
    sha256: str
    size_bytes: int


async def download_package(
    artifacts: ArtifactStore, claimed: ClaimedInput, public_key: bytes, folder: Path
) -> None:
    """Download a package, which holds then what the registry has signed and nothing else.

    Args:
        artifacts: The store.
        claimed: The model, with key and manifest's digest.
        public_key: The registry's, as PEM.
        folder: Where it goes; made here, `manifest.json` last.

    Raises:
        DataLoss: A file is missing, differs, is not listed, or would lie outside of the package
            (reason PACKAGE_CORRUPT), or the registry did not sign its manifest (reason
            PACKAGE_SIGNATURE_INVALID).
    """
    manifest = await _manifest(artifacts, claimed)
    signature = await _read(artifacts, claimed, SIGNATURE)
    if not is_signed(manifest, signature, public_key):
        raise DataLoss(
            f"The package of model {claimed.model_id} is not genuine: the registry did not sign "
            "its manifest.",
            reason="PACKAGE_SIGNATURE_INVALID",
        )
    files = _listed(claimed, manifest)
    _require_listed(claimed, files, await _stored(artifacts, claimed))
    await artifacts.get_files(claimed.artifact_key, list(files), folder)
    for path, file in files.items():
        if await sha256_of(folder / path) != file.sha256:
            _corrupt(claimed, f"{path} does not have the SHA-256 {file.sha256}")
    ours = {SIGNATURE: signature, PUBLIC_KEY: public_key, MANIFEST: manifest}
    await asyncio.to_thread(_write, folder, ours)


async def _manifest(artifacts: ArtifactStore, claimed: ClaimedInput) -> bytes:
    manifest = await _read(artifacts, claimed, MANIFEST)
    if hashlib.sha256(manifest).hexdigest() != claimed.digest:
        _corrupt(claimed, f"{MANIFEST} does not have the SHA-256 {claimed.digest}")
    return manifest


def _listed(claimed: ClaimedInput, manifest: bytes) -> Mapping[str, _File]:
    """Return the files that a manifest lists, by path."""
    try:
        entries = json.loads(manifest)["files"].items()
        files = {path: _File(entry["sha256"], entry["size_bytes"]) for path, entry in entries}
    except (ValueError, KeyError, TypeError, AttributeError):
        _corrupt(claimed, f"{MANIFEST} lists no files with sha256 and size_bytes")
    if (invalid := first_invalid(files)) is not None:
        _corrupt(claimed, f"{invalid!r} is no path of a file within a package")
    for path, file in files.items():
        if not _SHA256.fullmatch(str(file.sha256)):
            _corrupt(claimed, f"the SHA-256 of {path} is {file.sha256!r}")
    return files


def _require_listed(
    claimed: ClaimedInput, files: Mapping[str, _File], stored: Mapping[str, int]
) -> None:
    if unlisted := stored.keys() - files.keys() - UNLISTED:
        _corrupt(claimed, f"{min(unlisted)} is not in the manifest")
    for path, file in files.items():
        if stored.get(path) != file.size_bytes:
            _corrupt(claimed, f"{path} is missing or does not have {file.size_bytes} bytes")


async def _stored(artifacts: ArtifactStore, claimed: ClaimedInput) -> Mapping[str, int]:
    """Return the sizes of the files that the store has of a package."""
    prefix = f"{claimed.artifact_key}/"
    listing = await artifacts.list(claimed.artifact_key)
    return {key.removeprefix(prefix): size for key, size in listing}


async def _read(artifacts: ArtifactStore, claimed: ClaimedInput, path: str) -> bytes:
    try:
        return await artifacts.get_bytes(f"{claimed.artifact_key}/{path}")
    except NotFound:
        _corrupt(claimed, f"{path} is missing")


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        (folder / path).write_bytes(data)


def _corrupt(claimed: ClaimedInput, problem: str) -> NoReturn:
    raise DataLoss(
        f"The package of model {claimed.model_id} is corrupt: {problem}.",
        reason="PACKAGE_CORRUPT",
    )
