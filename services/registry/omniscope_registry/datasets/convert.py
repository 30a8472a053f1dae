"""Between the protocol's messages and what the dataset store and the upload speak of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Value

from omniscope.common.v1.dataset_pb2 import Dataset, DatasetColumn
from omniscope.registry.v1 import dataset_service_pb2 as messages
from omniscope_ml.datasets.formats import EXPORT_FORMATS, FORMATS, split_suffix
from omniscope_registry.listing.paging import (
    POSITION_KEY,
    clamp_page_size,
    decode_page_token,
    encode_page_token,
    within_answer,
)
from omniscope_service.errors import InvalidArgument
from omniscope_service.names import check_name, check_uuid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from omniscope_registry.datasets.records import DatasetRecord

MAX_DESCRIPTION_LENGTH: Final = 2000
MAX_COLUMN_NAMES: Final = 1000
DEFAULT_PREVIEW_ROWS: Final = 20
_DEFAULT_EXPORT: Final = "csv"


@dataclass(frozen=True)
class UploadHeader:
    """The first message of an upload; `request_id` is None when there is none."""

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
        InvalidArgument: Reason NAME_INVALID, DATASET_FORMAT_UNKNOWN,
            DATASET_FORMAT_MISMATCH or FIELD_INVALID.
    """
    # Read as a table, the parts of a form would fail with a puzzling word on some row.
    if request.data.content_type.strip().lower().startswith("multipart/"):
        raise InvalidArgument(
            "data is a multipart form; the file itself must be the body "
            "(curl: --data-binary @FILE instead of -F).",
            reason="DATASET_FORMAT_MISMATCH",
            field="data",
        )
    return _header(request.name, request.format, request.description, request.request_id)


def import_header_from_proto(request: messages.ImportDatasetRequest) -> UploadHeader:
    """Check what an import says; the file's name tells what is left out.

    Raises:
        InvalidArgument: Reason NAME_INVALID, DATASET_FORMAT_UNKNOWN or FIELD_INVALID.
    """
    stem, suffix_format = split_suffix(request.uri.rpartition("/")[2])
    return _header(
        request.name or stem,
        request.format or suffix_format or "",
        request.description,
        request.request_id,
    )


def _header(name: str, source_format: str, description: str, request_id: str) -> UploadHeader:
    check_name(name, field="name")
    _check_format(source_format, FORMATS)
    if len(description) > MAX_DESCRIPTION_LENGTH or "\0" in description:
        raise InvalidArgument(
            f"description has {len(description)} characters; at most "
            f"{MAX_DESCRIPTION_LENGTH} are allowed, and no zero byte.",
            reason="FIELD_INVALID",
            field="description",
        )
    unique = request_id and check_uuid(request_id, field="request_id")
    return UploadHeader(name, source_format, description, unique or None)


def _check_format(chosen: str, allowed: Iterable[str]) -> None:
    if chosen not in allowed:
        raise InvalidArgument(
            f"format {chosen[:64]!r} is not one of {', '.join(allowed)}.",
            reason="DATASET_FORMAT_UNKNOWN",
            field="format",
        )


def export_format_from_proto(request: messages.DownloadDatasetRequest) -> str:
    """Return the format that a download is to have.

    Raises:
        InvalidArgument: Reason DATASET_FORMAT_UNKNOWN.
    """
    chosen = request.format or _DEFAULT_EXPORT
    _check_format(chosen, EXPORT_FORMATS)
    return chosen


def preview_rows_from_proto(request: messages.PreviewDatasetRequest) -> int:
    """Return how many rows a preview is to show at most.

    Raises:
        InvalidArgument: Reason FIELD_INVALID.
    """
    if request.row_count < 0:
        raise InvalidArgument(
            f"row_count is {request.row_count}; it is 0 or more.",
            reason="FIELD_INVALID",
            field="row_count",
        )
    _check_column_names("columns", request.columns)
    return request.row_count or DEFAULT_PREVIEW_ROWS


def preview_to_proto(columns: Mapping[str, Sequence[Any]]) -> messages.PreviewDatasetResponse:
    """Return the first values of columns, by name; as many as fit into one answer."""
    rows = within_answer(
        ListValue(values=map(_value_to_proto, row)) for row in zip(*columns.values(), strict=True)
    )
    by_column = zip(*(row.values for row in rows), strict=True)
    return messages.PreviewDatasetResponse(
        columns=[
            messages.PreviewColumn(name=name, values=values)
            for name, values in zip(columns, by_column, strict=True)
        ]
    )


def _value_to_proto(value: Any) -> Value:
    match value:
        case None:
            return Value(null_value=NULL_VALUE)
        case bool():
            return Value(bool_value=value)
        case str():
            return Value(string_value=value)
        case _:
            return Value(number_value=value)


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
    _check_column_names("names", request.names)
    after = decode_page_token(request.page_token, _column_list(request), POSITION_KEY)
    return ColumnQuery(
        names=request.names,
        after=-1 if after is None else int(after),
        limit=clamp_page_size(request.page_size),
    )


def columns_to_proto(
    profiles: Sequence[bytes], request: messages.ListDatasetColumnsRequest, limit: int
) -> messages.ListDatasetColumnsResponse:
    """Return a page of columns; it is shorter when more would not fit into one answer.

    Args:
        profiles: Serialized columns, one more than the page holds when another page follows.
        request: What was asked for.
        limit: How many columns the page holds.
    """
    columns = list(within_answer(map(DatasetColumn.FromString, profiles[:limit])))
    more = len(profiles) > len(columns)
    return messages.ListDatasetColumnsResponse(
        columns=columns,
        next_page_token=(
            encode_page_token(str(columns[-1].position), _column_list(request)) if more else ""
        ),
    )


def _check_column_names(field: str, names: Sequence[str]) -> None:
    if len(names) > MAX_COLUMN_NAMES:
        raise InvalidArgument(
            f"{field} has {len(names)} entries; at most {MAX_COLUMN_NAMES} are allowed.",
            reason="FIELD_INVALID",
            field=field,
        )


def _column_list(request: messages.ListDatasetColumnsRequest) -> list[str]:
    return [request.dataset_id, *request.names]
