"""Has an uploaded file read, checked and converted by a child process with limits.

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
from typing import TYPE_CHECKING, Any, Final

from omniscope.common.v1.dataset_pb2 import DatasetColumn
from omniscope_registry.datasets.gate import DISK_FULL
from omniscope_registry.datasets.spool import disk_full
from omniscope_service.errors import InvalidArgument, ResourceExhausted, ServiceError

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Mapping
    from pathlib import Path

STORED_FILE: Final = "data.arrow"
"""Name of the file that the child leaves in its output folder."""

_INGEST_MODULE: Final = "omniscope_ml.datasets.ingest"
_USER_ERROR: Final = 3
_GIB: Final = 1024**3
# All that a Python process needs to start; tokens and URLs of ours are in none of these.
_ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
# C++ aborts when an allocation fails where nothing catches it.
_TOO_LARGE_SIGNALS: Final = (signal.SIGKILL, signal.SIGXCPU, signal.SIGXFSZ, signal.SIGABRT)


@dataclass(frozen=True)
class IngestLimits:
    """What the reading of one file may use.

    Attributes:
        memory_bytes: Address space beyond the share of the file's size.
        memory_per_byte: Address space per byte of the file. A CSV needs its own size, the table
            and the converted table; a Parquet file its decompressed values.
        stored_bytes: Size of the converted file.
        seconds: Time, both by the clock and on the processor.
    """

    memory_bytes: int = 6 * _GIB
    memory_per_byte: int = 8
    stored_bytes: int = 16 * _GIB
    seconds: int = 600


@dataclass(frozen=True)
class IngestedTable:
    """What the child found out about a table. Counts are of cells, rows and columns."""

    digest: str
    size_bytes: int
    row_count: int
    column_count: int
    missing_count: int
    column_types: Mapping[str, int]
    likely_key_columns: list[str]
    constant_column_count: int
    duplicate_column_count: int
    warnings: list[str]
    columns: list[DatasetColumn]


@dataclass(frozen=True)
class Ingest:
    """Starts a child for each file.

    Attributes:
        limits: What a child may use.
        module: What it runs.
    """

    limits: IngestLimits = IngestLimits()
    module: str = _INGEST_MODULE

    async def read(self, source: Path, source_format: str, out: Path) -> IngestedTable:
        """Convert a file to `out/data.arrow` and return what is in it.

        Args:
            source: The uploaded file.
            source_format: One of `omniscope_ml.datasets.formats.FORMATS`.
            out: Existing folder for the converted file.

        Raises:
            InvalidArgument: The file cannot become a dataset; the reason says why.
            ResourceExhausted: Reading it takes more than the limits; reason DATASET_TOO_LARGE.
        """
        process = await self._start(source, source_format, out)
        try:
            async with asyncio.timeout(self.limits.seconds):
                output, _ = await process.communicate()
        except TimeoutError as error:
            raise _too_large(f"reading it took longer than {self.limits.seconds} s") from error
        finally:
            await _end(process)
        return await asyncio.to_thread(_table_from, process.returncode or 0, output)

    async def _start(self, source: Path, source_format: str, out: Path) -> Process:
        size = (await asyncio.to_thread(source.stat)).st_size
        limits = (
            self.limits.memory_bytes + size * self.limits.memory_per_byte,
            self.limits.seconds,
            self.limits.stored_bytes,
        )
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-m", "omniscope_registry.datasets.gate"),
            *map(str, limits),
            self.module,
            *("--source", str(source), "--format", source_format, "--out", str(out)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # Tracebacks of parsers quote cell values.
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            cwd=out,
            start_new_session=True,
        )


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def _table_from(status: int, output: bytes) -> IngestedTable:
    if status == 0:
        return _table(json.loads(output))
    if status == _USER_ERROR:
        raise _refusal(json.loads(output)["error"])
    if status == DISK_FULL:
        raise disk_full()
    if -status in _TOO_LARGE_SIGNALS:
        raise _too_large("reading it takes more memory, time or disk than one upload may use")
    if status < 0:
        raise InvalidArgument(
            f"The file made its reader end by {signal.Signals(-status).name}: it is damaged.",
            reason="DATASET_MALFORMED",
            field="data",
        )
    raise RuntimeError(f"the child that reads datasets ended with status {status}")


def _table(found: dict[str, Any]) -> IngestedTable:
    return IngestedTable(
        digest=found["digest"],
        size_bytes=found["size_bytes"],
        row_count=found["row_count"],
        column_count=found["column_count"],
        missing_count=found["missing_count"],
        column_types=found["column_types"],
        likely_key_columns=found["likely_key_columns"],
        constant_column_count=found["constant_column_count"],
        duplicate_column_count=found["duplicate_column_count"],
        warnings=found["warnings"],
        columns=[DatasetColumn(**column) for column in found["columns"]],
    )


def _refusal(error: dict[str, str]) -> ServiceError:
    kind = ResourceExhausted if error["reason"] == "DATASET_TOO_LARGE" else InvalidArgument
    return kind(error["message"], reason=error["reason"], field=error.get("field") or "data")


def _too_large(why: str) -> ResourceExhausted:
    return ResourceExhausted(
        f"The dataset is too large: {why}.", reason="DATASET_TOO_LARGE", field="data"
    )
