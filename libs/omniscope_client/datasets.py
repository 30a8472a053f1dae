"""Tables to train on."""

import errno
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

from google.api.httpbody_pb2 import HttpBody
from google.protobuf.empty_pb2 import Empty

from omniscope.common.v1.dataset_pb2 import Dataset, DatasetColumn
from omniscope.registry.v1.dataset_service_pb2 import (
    DESCRIPTOR,
    DeleteDatasetRequest,
    DownloadDatasetRequest,
    GetDatasetRequest,
    ImportDatasetRequest,
    ListDatasetColumnsRequest,
    ListDatasetsRequest,
    PreviewDatasetRequest,
    PreviewDatasetResponse,
    UploadDatasetRequest,
)
from omniscope.registry.v1.dataset_service_pb2_grpc import DatasetServiceStub
from omniscope_client.calls import Calls
from omniscope_client.errors import OmniscopeError
from omniscope_client.messages import message
from omniscope_client.paging import Page, rows_of
from omniscope_suite.methods import timeout_seconds

CHUNK_BYTES = 256 * 1024
IMPORT_METHOD = DESCRIPTOR.services_by_name["DatasetService"].methods_by_name["ImportDataset"]
FORMATS = {
    ".csv": "csv",
    ".csv.gz": "csv.gz",
    ".tsv": "tsv",
    ".tsv.gz": "tsv.gz",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".h5ad": "h5ad",
}
EXPORT_FORMATS = ("csv", "parquet", "arrow")


class Datasets:
    """Uploads and reads datasets. Wherever a `dataset_id` is asked for, the name does as well."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = DatasetServiceStub(calls.channel)

    def upload(
        self,
        path: str | Path,
        *,
        name: str = "",
        file_format: str = "",
        description: str = "",
        request_id: str = "",
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> Dataset:
        """Upload a file in chunks; it is never whole in memory.

        Args:
            path: The file.
            name: Name of the dataset. Default: the file's name without its suffix.
            file_format: `csv`, `csv.gz`, `tsv`, `tsv.gz`, `parquet`, `arrow` or `h5ad`. Default:
                by the file's suffix.
            description: Free text.
            request_id: UUID; the same id and file return the same dataset for 24 h. Default: new.
            on_progress: Called with the number of bytes sent so far.

        Raises:
            OSError: The file cannot be read.
        """
        path = Path(path)
        first = UploadDatasetRequest(
            name=name or path.name[: -len(_suffix_of(path)) or None],
            format=file_format or format_of(path),
            description=description,
            request_id=request_id or str(uuid4()),
        )
        return self._calls.send(self._stub.UploadDataset, _chunks(first, path, on_progress))

    def import_from(
        self,
        uri: str,
        *,
        name: str = "",
        file_format: str = "",
        description: str = "",
        request_id: str = "",
    ) -> Dataset:
        """Have the registry fetch a file that its operator has allowed.

        Args:
            uri: `file:///folder/file.csv` or `s3://bucket/key`, as the registry sees it.
            name: Name of the dataset. Default: the file's name without its suffix.
            file_format: As in `upload`. Default: by the suffix.
            description: Free text.
            request_id: UUID; the same id and arguments return the same dataset for 24 h. Default:
                new.
        """
        request = ImportDatasetRequest(
            uri=uri,
            name=name,
            format=file_format,
            description=description,
            request_id=request_id or str(uuid4()),
        )
        seconds = timeout_seconds(IMPORT_METHOD)
        return self._calls.unary(self._stub.ImportDataset, request, seconds)

    def preview(
        self, dataset_id: str, rows: int = 20, columns: Sequence[str] = ()
    ) -> PreviewDatasetResponse:
        """Return the first rows of some columns, by default of the first 50."""
        request = message(
            PreviewDatasetRequest, dataset_id=dataset_id, row_count=rows, columns=columns
        )
        return self._calls.unary(self._stub.PreviewDataset, request)

    def download(
        self,
        dataset_id: str,
        path: str | Path,
        file_format: str = "csv",
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> Path:
        """Write a dataset to a file, which appears when it is complete.

        Args:
            dataset_id: Id or name.
            path: The file to write; it must not exist.
            file_format: `csv`, `parquet` or `arrow`.
            on_progress: Called with the number of bytes received so far.

        Raises:
            OSError: The file exists or cannot be written.
        """
        path, received = Path(path), 0
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        request = DownloadDatasetRequest(dataset_id=dataset_id, format=file_format)
        draft = path.with_name(f".{path.name}.part")
        try:
            with draft.open("wb") as file:
                for chunk in self._calls.download(self._stub.DownloadDataset, request):
                    file.write(chunk)
                    on_progress(received := received + len(chunk))
            path.hardlink_to(draft)  # refuses to replace a file, unlike a rename
        finally:
            draft.unlink(missing_ok=True)
        return path

    def get(self, dataset_id: str) -> Dataset:
        """Return a dataset."""
        return self._calls.unary(self._stub.GetDataset, GetDatasetRequest(dataset_id=dataset_id))

    def list(self, limit: int = 50, query: str = "") -> Iterator[Dataset]:
        """Yield the newest datasets first, at most `limit`; `query` is `ListDatasets.filter`."""

        def page(size: int, token: str) -> Page[Dataset]:
            request = ListDatasetsRequest(page_size=size, page_token=token, filter=query)
            answer = self._calls.unary(self._stub.ListDatasets, request)
            return answer.datasets, answer.next_page_token

        return rows_of(page, limit)

    def columns(self, dataset_id: str, limit: int = 50) -> Iterator[DatasetColumn]:
        """Yield the profiles of the first `limit` columns."""

        def page(size: int, token: str) -> Page[DatasetColumn]:
            request = ListDatasetColumnsRequest(
                dataset_id=dataset_id, page_size=size, page_token=token
            )
            answer = self._calls.unary(self._stub.ListDatasetColumns, request)
            return answer.columns, answer.next_page_token

        return rows_of(page, limit)

    def delete(self, dataset_id: str) -> Empty:
        """Delete a dataset."""
        request = DeleteDatasetRequest(dataset_id=dataset_id)
        return self._calls.unary(self._stub.DeleteDataset, request)


def format_of(
    path: Path, allowed: Collection[str] = tuple(dict.fromkeys(FORMATS.values()))
) -> str:
    """Return the format that a file's suffix stands for, which must be one of those allowed."""
    found = FORMATS.get(_suffix_of(path).lower())
    if found is None or found not in allowed:
        raise OmniscopeError(
            "INVALID_ARGUMENT",
            f"The suffix of {path.name!r} does not stand for a format: give one of "
            f"{', '.join(allowed)}.",
            reason="DATASET_FORMAT_UNKNOWN",
            field="format",
        )
    return found


def _suffix_of(path: Path) -> str:
    """Return the suffix that tells the format, both parts of `.csv.gz`."""
    double = "".join(path.suffixes[-2:])
    return double if double.lower() in FORMATS else path.suffix


def _chunks(
    request: UploadDatasetRequest, path: Path, on_progress: Callable[[int], None]
) -> Iterator[UploadDatasetRequest]:
    """Yield the file in order; only the first message carries the other fields."""
    sent = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            request.data.CopyFrom(HttpBody(data=chunk))
            yield request
            request = UploadDatasetRequest()
            on_progress(sent := sent + len(chunk))
    if not sent:  # an empty file is the service's to refuse
        request.data.SetInParent()
        yield request
