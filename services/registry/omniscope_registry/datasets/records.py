"""Datasets as they are stored, and where in the artifact store their bytes lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from omniscope_registry.datasets.ingest import PREVIEW_FILE, STORED_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


def dataset_key(digest: str) -> str:
    """Return where stored bytes lie in the artifact store, by their SHA-256."""
    return f"datasets/{digest}/{STORED_FILE}"


def preview_key(digest: str) -> str:
    """Return where the first rows of the same dataset lie."""
    return f"datasets/{digest}/{PREVIEW_FILE}"


@dataclass(frozen=True, kw_only=True)
class NewDataset:
    """A dataset as uploaded; id, version and time are the store's to add."""

    owner: str
    name: str
    description: str
    source_format: str
    source_digest: str
    digest: str
    row_count: int
    column_count: int
    size_bytes: int
    missing_count: int
    column_types: Mapping[str, int]
    likely_key_columns: list[str]
    constant_column_count: int = 0
    duplicate_column_count: int = 0
    warnings: list[str] = field(default_factory=list)
    request_id: str | None
    request_hash: str | None
    created_by: str


@dataclass(frozen=True, kw_only=True)
class DatasetRecord(NewDataset):
    """A row of `datasets`; `tables/datasets.py` says what the columns mean."""

    id: str
    version: int
    created_at: datetime
