"""Has an uploaded file checked and converted, by a child process with limits."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from omniscope.common.v1.dataset_pb2 import DatasetColumn
from omniscope_registry.datasets.gated_child import DEFAULT_LIMITS, ChildLimits, run_gated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STORED_FILE: Final = "data.arrow"
"""Name of the file that the child leaves in its output folder."""
PREVIEW_FILE: Final = "preview.json"
"""Name of the file with the first rows that it leaves beside it."""

_INGEST_MODULE: Final = "omniscope_ml.datasets.ingest"


@dataclass(frozen=True)
class IngestedTable:
    """The child's findings about a table. Counts are of cells, rows and columns."""

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

    limits: ChildLimits = DEFAULT_LIMITS
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
        arguments = ["--source", str(source), "--format", source_format, "--out", str(out)]
        output = await run_gated(self.module, source, arguments, out, self.limits)
        return await asyncio.to_thread(_table, output)


def _table(output: bytes) -> IngestedTable:
    found: dict[str, Any] = json.loads(output)
    columns = [DatasetColumn(**column) for column in found.pop("columns")]
    return IngestedTable(**found, columns=columns)
