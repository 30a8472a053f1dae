"""The manifest of a checkpoint: names, sizes and hashes. Imported in the child: standard library.

Files are stored by content, so that a checkpoint costs no more than what changed since the one
before: `files/<sha256>` beside the manifests `<name>.json`.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FILES_FOLDER: Final = "files"
FORMAT_VERSION: Final = 1
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class CheckpointError(Exception):
    """A checkpoint is not what its manifest says, or has no manifest that can be read."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a checkpoint.

    Attributes:
        sha256: Of its content, hexadecimal; its name in the store.
        size_bytes: Its size.
    """

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class CheckpointManifest:
    """A checkpoint.

    Attributes:
        name: Within the attempt.
        step: Step of the training that it was taken at, from 0.
        files: Its files by relative path, `/` between parts.
    """

    name: str
    step: int
    files: Mapping[str, StoredFile]

    @property
    def size_bytes(self) -> int:
        """Size of all its files."""
        return sum(file.size_bytes for file in self.files.values())

    @property
    def digests(self) -> frozenset[str]:
        """SHA-256 of every file."""
        return frozenset(file.sha256 for file in self.files.values())

    def to_json(self) -> bytes:
        """Return what `from_json` reads."""
        values = {
            "format_version": FORMAT_VERSION,
            "name": self.name,
            "step": self.step,
            "files": {path: asdict(file) for path, file in self.files.items()},
        }
        return json.dumps(values, sort_keys=True).encode()

    @classmethod
    def from_json(cls, data: bytes) -> CheckpointManifest:
        """Read a manifest; nothing in it can name a place outside of the checkpoint.

        Raises:
            CheckpointError: It is none, or one of another version.
        """
        try:
            values = json.loads(data)
            version = values["format_version"]
            files = {path: StoredFile(**file) for path, file in values["files"].items()}
            manifest = cls(values["name"], values["step"], files)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CheckpointError(f"no manifest of a checkpoint: {error}") from error
        if version != FORMAT_VERSION:
            raise CheckpointError(f"format_version is {version!r}, not {FORMAT_VERSION}")
        for path, file in files.items():
            _check_file(path, file)
        return manifest


def _check_file(path: str, file: StoredFile) -> None:
    parts: Any = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        raise CheckpointError(f"{path!r} is no path within a checkpoint")
    if not _SHA256.fullmatch(file.sha256):
        raise CheckpointError(f"sha256 of {path!r} is {file.sha256!r}, not 64 hexadecimal digits")
