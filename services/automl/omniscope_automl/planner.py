"""Turns a training request into a plan that can be queued, or refuses it.

Everything that can be known to be wrong is found here, from the request and from the profile of
the dataset's columns; the data itself is never read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from omniscope.registry.v1 import dataset_service_pb2
from omniscope_automl.allowed import MAX_NAME_CHARACTERS
from omniscope_automl.columns import (
    Features,
    check_roles,
    choose_features,
    column_not_found,
    named_columns,
    unknown_column,
)
from omniscope_automl.options import (
    check_families_available,
    check_metric_fits,
    check_options,
    fill_options,
)
from omniscope_automl.presets import DEFAULT_METRICS
from omniscope_automl.split_columns import check_split, split_warnings
from omniscope_automl.splitting import resolve_strategy
from omniscope_automl.target import Target, resolve_target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from omniscope.automl.v1.automl_service_pb2 import TrainRequest
    from omniscope.common.v1.dataset_pb2 import Dataset, DatasetColumn
    from omniscope_service.registry_client import RegistryClient

_PAGE = 1_000


@dataclass(frozen=True)
class TrainingPlan:
    """A request that can be queued.

    Attributes:
        request: The request with every choice made and every default filled in, all columns named.
        dataset: The dataset that it means.
        warnings: What was noticed and accepted nevertheless.
    """

    request: TrainRequest
    dataset: Dataset
    warnings: tuple[str, ...]


class TrainingPlanner:
    """Checks training requests against the datasets of the current caller.

    Args:
        registry: Acts for the current caller.
        trains_here: Jobs are run on this machine, so that what it lacks can be said at once.
            Otherwise only the workers know what they have.
    """

    def __init__(self, registry: RegistryClient, *, trains_here: bool = False) -> None:
        self._datasets = registry.datasets
        self._trains_here = trains_here

    async def plan(self, request: TrainRequest) -> TrainingPlan:
        """Check a request and fill in what it leaves open.

        Raises:
            InvalidArgument: The request cannot work; the message says what is allowed.
            NotFound: The dataset does not exist, or is somebody else's.
        """
        filled = fill_options(request)
        check_options(filled)
        if self._trains_here:
            check_families_available(filled)
        dataset = await self._datasets.GetDataset(
            dataset_service_pb2.GetDatasetRequest(dataset_id=filled.dataset_id)
        )
        columns = await self._columns(filled, dataset)
        check_roles(filled, columns)
        features = choose_features(filled, dataset, columns)
        target = resolve_target(filled, dataset, columns[filled.target_column])
        check_metric_fits(filled.eval_metric, target.problem_type)
        _complete(filled, dataset, features, target)
        check_split(filled, dataset, columns, target)
        warnings = (
            *_warnings(filled, dataset, features, target),
            *split_warnings(filled, columns),
        )
        return TrainingPlan(filled, dataset, warnings)

    async def _columns(self, request: TrainRequest, dataset: Dataset) -> dict[str, DatasetColumn]:
        names = [name for _, name in named_columns(request)]
        whole_table = not request.feature_columns or len(names) > _PAGE
        columns = await self._read_columns(dataset, [] if whole_table else names)
        if unknown := unknown_column(request, columns):
            known = columns if whole_table else await self._read_columns(dataset, [])
            raise column_not_found(*unknown, dataset, list(known))
        return columns

    async def _read_columns(self, dataset: Dataset, names: list[str]) -> dict[str, DatasetColumn]:
        request = dataset_service_pb2.ListDatasetColumnsRequest(
            dataset_id=dataset.dataset_id, names=names, page_size=_PAGE
        )
        columns: dict[str, DatasetColumn] = {}
        while True:
            page = await self._datasets.ListDatasetColumns(request)
            columns.update((column.name, column) for column in page.columns)
            if not page.next_page_token:
                return columns
            request.page_token = page.next_page_token


def _complete(request: TrainRequest, dataset: Dataset, features: Features, target: Target) -> None:
    request.dataset_id = dataset.dataset_id
    request.feature_columns[:] = features.names
    request.problem_type = target.problem_type
    request.positive_class = target.positive_class or ""
    request.eval_metric = request.eval_metric or DEFAULT_METRICS[target.problem_type]
    request.model_name = request.model_name or _default_name(dataset.name, request.target_column)
    resolve_strategy(request, target)


def _default_name(dataset: str, target: str) -> str:
    suffix = "-automl"
    stem = re.sub(r"[^A-Za-z0-9_.-]", "_", f"{dataset}-{target}")
    return stem[: MAX_NAME_CHARACTERS - len(suffix)] + suffix


def _warnings(
    request: TrainRequest, dataset: Dataset, features: Features, target: Target
) -> Iterable[str]:
    for name in features.left_out:
        yield (
            f"Column {name!r} looks like a sample id and is not used as a feature; name it in "
            "feature_columns to use it (then only the columns named there are used), or in "
            "key_column to have rows named by it."
        )
    if missing := dataset.row_count - target.rows:
        yield (
            f"{missing} rows have no value in {request.target_column!r} and take no part in the "
            "training."
        )
