"""Unpacks a downloaded package and checks it against its manifest."""

import hashlib
import io
import json
import secrets
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from omniscope_client.errors import OmniscopeError

# Beside the manifest and its files: the registry's signature and the key that checks it.
UNLISTED = frozenset({"manifest.json", "manifest.sig", "registry.pub"})


def unpack_package(
    chunks: Iterator[bytes],
    folder: Path,
    manifest_digest: str,
    on_progress: Callable[[int], None],
) -> Path:
    """Unpack a tar that arrives in `chunks` into `folder`, whole and checked or not at all.

    Args:
        chunks: The bytes of the tar in order.
        folder: Folder to make; it must not exist.
        manifest_digest: SHA-256 that `manifest.json` must have, hexadecimal.
        on_progress: Called with the number of bytes received so far.
    """
    with _draft_of(folder) as draft:
        _extract(_Reader(chunks, on_progress), draft)
        _verify(draft, manifest_digest)
        draft.rename(folder)
    return folder


def unpack_part(
    chunks: Iterator[bytes], folder: Path, manifest_digest: str, part: str
) -> tuple[Path, ...]:
    """Unpack the folder `part` of a package, and nothing else, as `unpack_package` does.

    Returns:
        The files, sorted.
    """
    with _draft_of(folder) as draft:
        _extract(_Reader(chunks, lambda _: None), draft)
        _verify(draft, manifest_digest, part)
        (draft / part).rename(folder)
    return tuple(sorted(path for path in folder.rglob("*") if path.is_file()))


@contextmanager
def _draft_of(folder: Path) -> Iterator[Path]:
    """Yield a folder beside `folder`, which must not exist; remove what is left of it."""
    if folder.exists():
        raise OmniscopeError(
            "ALREADY_EXISTS",
            f"The folder {folder} exists already: name another one, or remove it.",
            reason="FOLDER_EXISTS",
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
    draft.mkdir()
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


class _Reader(io.RawIOBase):
    """Lets tarfile read chunks as they arrive, so that nothing is stored twice."""

    def __init__(self, chunks: Iterator[bytes], on_progress: Callable[[int], None]) -> None:
        self._chunks = chunks
        self._on_progress = on_progress
        self._rest = b""
        self._received = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes; empty at the end."""
        if not self._rest:
            self._rest = next(self._chunks, b"")
            self._received += len(self._rest)
            self._on_progress(self._received)
        size = len(self._rest) if size < 0 else size
        part, self._rest = self._rest[:size], self._rest[size:]
        return part


def _extract(reader: _Reader, draft: Path) -> None:
    """Unpack the tar; members that lead outside are refused."""
    try:
        with tarfile.open(fileobj=reader, mode="r|") as archive:
            archive.extractall(draft, filter="data")
        while reader.read():  # an error after the tar's end mark counts as well
            pass
    except tarfile.TarError as error:
        raise _corrupt(f"what arrived is no sound tar: {error}") from None


def _verify(draft: Path, manifest_digest: str, part: str = "") -> None:
    """Check a package, or the folder `part` of it, against the manifest."""
    manifest = draft / "manifest.json"
    if not manifest.is_file() or _sha256(manifest) != manifest_digest:
        raise _corrupt("its manifest.json is missing or not the registered one")
    files = json.loads(manifest.read_text())["files"]
    inside = f"{part}/" if part else ""
    listed = {name: entry for name, entry in files.items() if name.startswith(inside)}
    found = {str(path.relative_to(draft)) for path in draft.rglob("*") if path.is_file()}
    if surprising := sorted((found - UNLISTED) ^ set(listed)):
        raise _corrupt(f"{surprising[0]} is missing or not in its manifest")
    for name, entry in listed.items():
        if _sha256(draft / name) != entry["sha256"]:
            raise _corrupt(f"{name} is not what its manifest says")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _corrupt(what: str) -> OmniscopeError:
    return OmniscopeError(
        "DATA_LOSS",
        f"The package is damaged: {what}. Download it again.",
        reason="PACKAGE_CORRUPT",
    )
