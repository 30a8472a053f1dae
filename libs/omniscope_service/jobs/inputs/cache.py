"""The machine's copies of inputs, by content: a bounded cache that may be emptied any time."""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import shutil
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator


class ContentCache:
    """Gives every attempt files of its own of the inputs that it reads, fetched once.

    An entry is a file or a folder. The attempt's files and the cached ones are links to the same
    data. The number of links says whether data is in use, by whichever worker of the machine, and
    a worker that dies releases it together with its folder: several workers share a cache without
    speaking to each other. Nothing is in the cache before it was verified.

    Args:
        folder: Where copies are kept, one entry per digest; on the file system of the attempts.
        max_bytes: The least recently used entries beyond this are removed, unless they are in use.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    async def fetch(
        self, digest: str, path: Path, download: Callable[[Path], Awaitable[None]]
    ) -> None:
        """Put an entry, which must not be changed, at a path; remove it after use.

        Args:
            digest: Names the entry. It is verified when it is downloaded; its name stands for that
                afterwards.
            path: Where to put it, in the attempt's folder.
            download: Downloads the entry to a path and verifies it, when it is not cached.
        """
        cached = self._folder / digest
        taking = asyncio.create_task(asyncio.to_thread(_take, cached, path))
        try:
            taken = await asyncio.shield(taking)
        finally:
            # Not left behind half way: whoever cuts this short removes the attempt's folder next.
            await asyncio.wait({taking})
        if not taken:
            await download(path)
            await asyncio.to_thread(self._keep, path, cached)

    def _keep(self, path: Path, cached: Path) -> None:
        for file in _files_of(path):
            file.chmod(0o400)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=self._folder, prefix="."))
        try:
            _link(path, unfinished / cached.name)
            (unfinished / cached.name).rename(cached)
        except OSError as error:
            # Another attempt has fetched it, too.
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        self._trim()

    def _trim(self) -> None:
        """Remove what was not used for longest, until the rest is small enough."""
        entries = sorted(self._entries(), key=lambda entry: entry.used_ns)
        excess = sum(entry.size_bytes for entry in entries) - self._max_bytes
        for entry in entries:
            # Data that an attempt takes up at this very moment stays its own.
            if excess > 0 and not entry.in_use:
                self._remove(entry.path)
                excess -= entry.size_bytes

    def _entries(self) -> Iterator[_Entry]:
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # another worker has removed it just now
                yield _Entry.of(path)

    def _remove(self, path: Path) -> None:
        """Remove an entry at once, whatever it holds: nobody takes a part of it for the whole."""
        doomed = self._folder / f".{secrets.token_hex(8)}"
        with suppress(FileNotFoundError):
            path.rename(doomed)
            if doomed.is_dir():
                shutil.rmtree(doomed, ignore_errors=True)
            else:
                doomed.unlink()


@dataclass(frozen=True, slots=True)
class _Entry:
    path: Path
    used_ns: int
    size_bytes: int
    in_use: bool

    @classmethod
    def of(cls, path: Path) -> Self:
        found = [file.stat() for file in _files_of(path)]
        return cls(
            path,
            used_ns=path.stat().st_mtime_ns,
            size_bytes=sum(file.st_size for file in found),
            # A worker makes one that is empty, or died of it: then it takes no room.
            in_use=not found or any(file.st_nlink > 1 for file in found),
        )


def _take(cached: Path, path: Path) -> bool:
    """Make a path another name of a cached entry, and note its use; False when there is none.

    Its folder is made in any case.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        _link(cached, path)
    except OSError:
        # Not there, or put there or removed half way. The download tells of a disk that fails.
        shutil.rmtree(path, ignore_errors=True)
        return False
    with suppress(FileNotFoundError):
        os.utime(cached)
    return True


def _link(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, copy_function=os.link)
    else:
        target.hardlink_to(source)


def _files_of(path: Path) -> list[Path]:
    """Return a file itself, or the files of a folder."""
    return [file for file in (path, *path.rglob("*")) if stat.S_ISREG(file.lstat().st_mode)]
