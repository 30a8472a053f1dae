"""Turns a training request into a plan that can be queued, or refuses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope_deeplearning.architecture_choice import (
    check_layout,
    fill_architecture,
    fill_layout,
)
from omniscope_deeplearning.device_count import check_devices_here, fill_accelerator
from omniscope_deeplearning.engines import check_engines_installed
from omniscope_deeplearning.entry import ENTRY
from omniscope_deeplearning.learning import check_fits_problem, fill_learning
from omniscope_deeplearning.preprocessing_choice import (
    check_features,
    fill_preprocessing,
    values_per_row,
)
from omniscope_deeplearning.rows import check_rows, check_validation, fill_validation
from omniscope_training.options import check_shared_options, fill_shared_options
from omniscope_training.planner import (
    TrainingPlan,
    complete,
    read_table,
    table_warnings,
)
from omniscope_training.split_columns import check_split

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from omniscope.deeplearning.v1.deep_learning_service_pb2 import TrainRequest
    from omniscope_service.registry_client import RegistryClient
    from omniscope_training.planner import RequestedTable


class TrainingPlanner:
    """Checks training requests against the datasets of the current caller.

    Args:
        registry: Acts for the current caller.
        kinds_here: The kinds of jobs that are run on this machine, so that what it lacks can be
            said at once. Of others only the workers know what they have.
    """

    def __init__(self, registry: RegistryClient, *, kinds_here: Collection[str] = ()) -> None:
        self._datasets = registry.datasets
        self._kinds_here = kinds_here

    async def plan(self, request: TrainRequest) -> TrainingPlan[TrainRequest]:
        """Check a request and fill in what it leaves open.

        Raises:
            InvalidArgument: The request cannot work; the message says what is allowed.
            NotFound: The dataset does not exist, or is somebody else's.
            FailedPrecondition: This machine is to train and has no engine.
        """
        if self._kinds_here:
            check_engines_installed()
        filled = _filled(request)
        fill_accelerator(filled.resources, self._kinds_here)
        check_devices_here(filled.resources, self._kinds_here)
        table = await read_table(self._datasets, filled)
        complete(filled, table, ENTRY.name)
        _check_table(filled, table)
        warnings = (*table_warnings(filled, table), *_network_warnings(filled, table))
        return TrainingPlan(filled, table.dataset, warnings)


def _filled(request: TrainRequest) -> TrainRequest:
    """Return a copy with what depends on nothing but the request filled in and checked."""
    filled = type(request)()
    filled.CopyFrom(request)
    fill_shared_options(filled)
    fill_validation(filled)
    check_shared_options(filled)
    fill_architecture(filled)
    fill_layout(filled)
    fill_preprocessing(filled)
    fill_learning(filled)
    return filled


def _network_warnings(request: TrainRequest, table: RequestedTable) -> Iterable[str]:
    """Yield what is allowed of the network and can hardly be meant."""
    most, patch = values_per_row(request, table)[-1], request.transformer.patch
    if patch > most:
        yield (
            f"transformer.patch is {patch} and a row has at most {most} values: they become one "
            "token."
        )


def _check_table(request: TrainRequest, table: RequestedTable) -> None:
    check_fits_problem(request)
    check_features(request, table)
    check_layout(request, values_per_row(request, table))
    check_split(request, table)
    check_validation(request, table)
    check_rows(request, table)
