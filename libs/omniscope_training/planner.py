"""Turns a request of any training service into a plan that can be queued, or refuses it.

Everything that can be known to be wrong is found here, from the request and from the profile of
the dataset's columns; the data itself is never read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from omniscope.registry.v1 import dataset_service_pb2
from omniscope_service.names import MAX_NAME_LENGTH
from omniscope_training.columns import (
    Features,
    check_features_vary,
    check_roles,
    choose_features,
    column_not_found,
    named_columns,
    unknown_column,
)
from omniscope_training.request import TrainingRequest
from omniscope_training.splitting import resolve_strategy
from omniscope_training.target import Target, resolve_target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from omniscope.common.v1.dataset_pb2 import Dataset, DatasetColumn
    from omniscope.registry.v1.dataset_service_pb2_grpc import DatasetServiceAsyncStub

_PAGE = 1_000
Request = TypeVar("Request", bound=TrainingRequest)


@dataclass(frozen=True)
class TrainingPlan(Generic[Request]):
    """A request that can be queued.

    Attributes:
        request: The request with every choice made and every default filled in, all columns named.
        dataset: The dataset that it means.
        warnings: What was noticed and accepted nevertheless.
    """

    request: Request
    dataset: Dataset
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class RequestedTable:
    """The data that a request asks to train on, as far as it is known.

    Attributes:
        dataset: The dataset.
        columns: Profiles of the columns that the request names, or of all, by name.
        features: The columns to predict from.
        target: What is predicted.
    """

    dataset: Dataset
    columns: dict[str, DatasetColumn]
    features: Features
    target: Target


async def read_table(
    datasets: DatasetServiceAsyncStub, request: TrainingRequest
) -> RequestedTable:
    """Read the profiles that a request is about, and decide what is learned from what.

    Raises:
        InvalidArgument: The request cannot work; the message says what is allowed.
        NotFound: The dataset does not exist, or is somebody else's.
    """
    dataset = await datasets.GetDataset(
        dataset_service_pb2.GetDatasetRequest(dataset_id=request.dataset_id)
    )
    columns = await _columns(datasets, request, dataset)
    check_roles(request, columns)
    features = choose_features(request, dataset, columns)
    target = resolve_target(request, dataset, columns[request.target_column])
    check_features_vary(features, dataset, columns)
    return RequestedTable(dataset, columns, features, target)


def complete(request: TrainingRequest, table: RequestedTable, service: str) -> None:
    """Fill in what follows from the table; the default name of the model ends in the service's."""
    request.dataset_id = table.dataset.dataset_id
    request.feature_columns[:] = table.features.names
    request.problem_type = table.target.problem_type
    request.positive_class = table.target.positive_class or ""
    request.model_name = request.model_name or _default_name(
        table.dataset.name, request.target_column, service
    )
    resolve_strategy(request, table.target)


def table_warnings(request: TrainingRequest, table: RequestedTable) -> Iterable[str]:
    """Yield what was noticed about the table and accepted nevertheless."""
    for name in table.features.left_out:
        yield (
            f"Column {name!r} looks like a sample id and is not used as a feature; name it in "
            "feature_columns to use it (then only the columns named there are used), or in "
            "key_column to have rows named by it."
        )
    if missing := table.dataset.row_count - table.target.rows:
        yield (
            f"{missing} rows have no value in {request.target_column!r} and take no part in the "
            "training."
        )
    top_k = request.feature_selection.top_k
    if top_k > len(table.features.names):
        yield (
            f"feature_selection.top_k is {top_k} and there are {len(table.features.names)} "
            "features: all of them are used."
        )


async def _columns(
    datasets: DatasetServiceAsyncStub, request: TrainingRequest, dataset: Dataset
) -> dict[str, DatasetColumn]:
    names = [name for _, name in named_columns(request)]
    whole_table = not request.feature_columns or len(names) > _PAGE
    columns = await _read_columns(datasets, dataset, [] if whole_table else names)
    if unknown := unknown_column(request, columns):
        known = columns if whole_table else await _read_columns(datasets, dataset, [])
        raise column_not_found(*unknown, dataset, list(known))
    return columns


async def _read_columns(
    datasets: DatasetServiceAsyncStub, dataset: Dataset, names: list[str]
) -> dict[str, DatasetColumn]:
    request = dataset_service_pb2.ListDatasetColumnsRequest(
        dataset_id=dataset.dataset_id, names=names, page_size=_PAGE
    )
    columns: dict[str, DatasetColumn] = {}
    while True:
        page = await datasets.ListDatasetColumns(request)
        columns.update((column.name, column) for column in page.columns)
        if not page.next_page_token:
            return columns
        request.page_token = page.next_page_token


def _default_name(dataset: str, target: str, service: str) -> str:
    suffix = f"-{service}"
    stem = re.sub(r"[^A-Za-z0-9_.-]", "_", f"{dataset}-{target}")
    return stem[: MAX_NAME_LENGTH - len(suffix)] + suffix
