"""The folder of a worker's attempts, and what workers that died have left beside it."""

from __future__ import annotations

import fcntl
import shutil
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

_LOCK = ".lock"


class WorkFolder:
    """A folder that lives as long as its worker; made by `open`.

    Attributes:
        path: Where the attempts have their folders.
    """

    def __init__(self, path: Path, lock: IO[bytes]) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def open(cls, path: Path) -> Self:
        """Make a folder, and remove those beside it whose workers are dead.

        A worker holds a lock on a file of its folder's name; the kernel lets go of it with the
        process, however that ends.
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in path.parent.glob(f"*{_LOCK}"):
            _remove_unless_locked(left)
        lock = path.with_suffix(_LOCK).open("wb")
        fcntl.flock(lock, fcntl.LOCK_EX)
        path.mkdir(mode=0o700)
        return cls(path, lock)

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.with_suffix(_LOCK).unlink(missing_ok=True)
        self._lock.close()


def _remove_unless_locked(path: Path) -> None:
    with path.open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        shutil.rmtree(path.with_suffix(""), ignore_errors=True)
        path.unlink(missing_ok=True)
