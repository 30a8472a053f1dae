"""Runs a program that reads datasets in a child process with limits.

Parsers of foreign files crash, loop and eat memory. Here that ends a child which holds no token,
no connection and no other caller's data, and the caller gets an error that names the reason.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from omniscope_registry.datasets.gate import DISK_FULL, OUT_OF_MEMORY
from omniscope_registry.datasets.spool import disk_full
from omniscope_service.errors import InvalidArgument, ResourceExhausted, ServiceError

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from pathlib import Path

_USER_ERROR: Final = 3
_GIB: Final = 1024**3
# All that a Python process needs to start; tokens and URLs of ours are in none of these.
_ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
# C++ aborts when an allocation fails where nothing catches it.
_TOO_LARGE_SIGNALS: Final = (signal.SIGKILL, signal.SIGXCPU, signal.SIGXFSZ, signal.SIGABRT)


@dataclass(frozen=True)
class ChildLimits:
    """Limits of the reading of one file.

    Attributes:
        memory_bytes: Address space beyond the share of the file's size.
        memory_per_byte: Address space per byte of the file. A CSV needs its own size, the table
            and the converted table; a Parquet file its decompressed values.
        stored_bytes: Size of the converted file.
        seconds: Time, both by the clock and on the processor, beyond the share of the file's size.
        seconds_per_mib: Time per MiB of the file. A few damaged kilobytes of HDF5 keep its library
            busy for ever; they must not hold the place of a large file for long.
        max_seconds: The most time that any file gets.
    """

    memory_bytes: int = 6 * _GIB
    memory_per_byte: int = 8
    stored_bytes: int = 16 * _GIB
    seconds: int = 60
    seconds_per_mib: int = 2
    max_seconds: int = 600

    def of(self, size_bytes: int) -> tuple[int, int]:
        """Return address space in bytes and time in seconds for a file of this size."""
        memory_bytes = self.memory_bytes + self.memory_per_byte * size_bytes
        seconds = self.seconds + self.seconds_per_mib * size_bytes // 2**20
        return memory_bytes, min(seconds, self.max_seconds)


DEFAULT_LIMITS: Final = ChildLimits()


async def run_gated(
    module: str, source: Path, arguments: list[str], folder: Path, limits: ChildLimits
) -> bytes:
    """Run a module on a file; return what it printed.

    Args:
        module: Run as a program.
        source: The file that it reads; its size decides how much memory and time it may have.
        arguments: Of the program.
        folder: Where it may leave files: its working directory.
        limits: What it may use.

    Raises:
        InvalidArgument: The file cannot be used; the reason says why.
        ResourceExhausted: Reading it takes more than the limits, reason DATASET_TOO_LARGE, or the
            disk is full, reason DISK_FULL.
    """
    size_bytes = (await asyncio.to_thread(source.stat)).st_size
    memory_bytes, seconds = limits.of(size_bytes)
    process = await _start(
        [memory_bytes, seconds, limits.stored_bytes], [module, *arguments], folder
    )
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate()
    except TimeoutError as error:
        raise _too_large(f"reading it took longer than {seconds} s") from error
    finally:
        await _end(process)
    if process.returncode:
        raise await asyncio.to_thread(_error_of, process.returncode, output)
    return output


async def _start(limits: list[int], program: list[str], folder: Path) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", "-m", "omniscope_registry.datasets.gate"),
        *map(str, limits),
        *program,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # Tracebacks of parsers quote cell values.
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        cwd=folder,
        start_new_session=True,
    )


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def _error_of(status: int, output: bytes) -> Exception:
    if status == _USER_ERROR:
        return _refusal(json.loads(output)["error"])
    if status == DISK_FULL:
        return disk_full()
    if status == OUT_OF_MEMORY or -status in _TOO_LARGE_SIGNALS:
        return _too_large("reading it takes more memory, time or disk than one dataset may use")
    if status < 0:
        return InvalidArgument(
            f"The file made its reader end by {signal.Signals(-status).name}: it is damaged.",
            reason="DATASET_MALFORMED",
            field="data",
        )
    return RuntimeError(f"the child that reads datasets ended with status {status}")


def _refusal(error: dict[str, str]) -> ServiceError:
    kind = ResourceExhausted if error["reason"] == "DATASET_TOO_LARGE" else InvalidArgument
    return kind(error["message"], reason=error["reason"], field=error.get("field") or "data")


def _too_large(why: str) -> ResourceExhausted:
    return ResourceExhausted(
        f"The dataset is too large: {why}.", reason="DATASET_TOO_LARGE", field="data"
    )
