"""Between the protocol's messages and what the dataset store and the upload speak of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from omniscope.common.v1.dataset_pb2 import Dataset, DatasetColumn
from omniscope.registry.v1 import dataset_service_pb2 as messages
from omniscope_ml.datasets.formats import FORMATS
from omniscope_registry.listing.paging import (
    POSITION_KEY,
    clamp_page_size,
    decode_page_token,
    encode_page_token,
)
from omniscope_registry.names import check_name, check_uuid
from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omniscope_registry.datasets.store_sql import DatasetRecord

MAX_DESCRIPTION_LENGTH: Final = 2000
MAX_COLUMN_NAMES: Final = 1000


@dataclass(frozen=True)
class UploadHeader:
    """What the first message of an upload says; `request_id` is None when there is none."""

    name: str
    source_format: str
    description: str
    request_id: str | None


@dataclass(frozen=True)
class ColumnQuery:
    """Which columns to list: at most `limit` behind the position `after`."""

    names: Sequence[str]
    after: int
    limit: int


def header_from_proto(request: messages.UploadDatasetRequest) -> UploadHeader:
    """Check the first message of an upload.

    Raises:
        InvalidArgument: Reason DATASET_NAME_INVALID, DATASET_FORMAT_UNKNOWN,
            DATASET_FORMAT_MISMATCH or FIELD_INVALID.
    """
    name = check_name(request.name, field="name", reason="DATASET_NAME_INVALID")
    if request.format not in FORMATS:
        raise InvalidArgument(
            f"format {request.format[:64]!r} is not one of {', '.join(FORMATS)}.",
            reason="DATASET_FORMAT_UNKNOWN",
            field="format",
        )
    # Read as a table, the parts of a form would fail with a puzzling word on some row.
    if request.data.content_type.strip().lower().startswith("multipart/"):
        raise InvalidArgument(
            "data is a multipart form; the file itself must be the body "
            "(curl: --data-binary @FILE instead of -F).",
            reason="DATASET_FORMAT_MISMATCH",
            field="data",
        )
    if len(request.description) > MAX_DESCRIPTION_LENGTH or "\0" in request.description:
        raise InvalidArgument(
            f"description has {len(request.description)} characters; at most "
            f"{MAX_DESCRIPTION_LENGTH} are allowed, and no zero byte.",
            reason="FIELD_INVALID",
            field="description",
        )
    request_id = request.request_id and check_uuid(request.request_id, field="request_id")
    return UploadHeader(name, request.format, request.description, request_id or None)


def dataset_to_proto(record: DatasetRecord) -> Dataset:
    """Return a dataset as clients see it."""
    dataset = Dataset(
        dataset_id=record.id,
        name=record.name,
        version=record.version,
        description=record.description,
        source_format=record.source_format,
        source_digest=record.source_digest,
        digest=record.digest,
        row_count=record.row_count,
        column_count=record.column_count,
        size_bytes=record.size_bytes,
        missing_count=record.missing_count,
        column_types=record.column_types,
        likely_key_columns=record.likely_key_columns,
        constant_column_count=record.constant_column_count,
        duplicate_column_count=record.duplicate_column_count,
        warnings=record.warnings,
        created_by=record.created_by,
    )
    dataset.create_time.FromDatetime(record.created_at)
    return dataset


def column_query_from_proto(request: messages.ListDatasetColumnsRequest) -> ColumnQuery:
    """Check which columns are asked for.

    Raises:
        InvalidArgument: Reason PAGE_SIZE_INVALID, PAGE_TOKEN_MISMATCH or FIELD_INVALID.
    """
    if len(request.names) > MAX_COLUMN_NAMES:
        raise InvalidArgument(
            f"names has {len(request.names)} entries; at most {MAX_COLUMN_NAMES} are allowed.",
            reason="FIELD_INVALID",
            field="names",
        )
    after = decode_page_token(request.page_token, _column_list(request), POSITION_KEY)
    return ColumnQuery(
        names=request.names,
        after=-1 if after is None else int(after),
        limit=clamp_page_size(request.page_size),
    )


def columns_to_proto(
    profiles: Sequence[bytes], request: messages.ListDatasetColumnsRequest, limit: int
) -> messages.ListDatasetColumnsResponse:
    """Return a page of columns.

    Args:
        profiles: Serialized columns, one more than the page holds when another page follows.
        request: What was asked for.
        limit: How many columns the page holds.
    """
    columns = [DatasetColumn.FromString(profile) for profile in profiles[:limit]]
    more = len(profiles) > limit
    return messages.ListDatasetColumnsResponse(
        columns=columns,
        next_page_token=(
            encode_page_token(str(columns[-1].position), _column_list(request)) if more else ""
        ),
    )


def _column_list(request: messages.ListDatasetColumnsRequest) -> list[str]:
    return [request.dataset_id, *request.names]
