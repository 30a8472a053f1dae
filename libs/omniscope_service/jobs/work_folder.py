"""The folder of a worker's attempts, beside those that dead workers have left."""

from __future__ import annotations

import fcntl
import shutil
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

_LOCK = ".lock"


class WorkFolder:
    """A folder that lives as long as its worker; made by `open`.

    A worker holds a lock on a file of its folder's name; the kernel releases it with the
    process, however that ends.

    Attributes:
        path: Where the attempts have their folders.
    """

    def __init__(self, path: Path, lock: IO[bytes]) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def open(cls, path: Path) -> Self:
        """Make a folder."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unnamed = path.with_suffix(".new")
        lock = unnamed.open("wb")
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Locked before it has its name: a lock that nobody holds is a dead worker's.
        unnamed.rename(path.with_suffix(_LOCK))
        path.mkdir(mode=0o700)
        return cls(path, lock)

    @classmethod
    def take_over(cls, parent: Path) -> list[Self]:
        """Return the folders whose workers are dead; nobody else gets them while they are ours."""
        return [folder for lock in parent.glob(f"*{_LOCK}") if (folder := cls._of_dead(lock))]

    @classmethod
    def _of_dead(cls, path: Path) -> Self | None:
        try:
            lock = path.open("rb")
        except FileNotFoundError:
            return None  # another worker has removed it just now
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        return cls(path.with_suffix(""), lock)

    def remove(self) -> None:
        """Remove the folder and release it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.with_suffix(_LOCK).unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Leave the folder to whoever takes it over. Idempotent."""
        self._lock.close()
