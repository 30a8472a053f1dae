"""Turns a training request into a plan that can be queued, or refuses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope_automl.entry import ENTRY
from omniscope_automl.options import (
    check_families_available,
    check_metric_fits,
    check_options,
    fill_options,
)
from omniscope_automl.presets import DEFAULT_METRICS
from omniscope_automl.split_warnings import split_warnings
from omniscope_training.planner import (
    TrainingPlan,
    complete,
    read_table,
    table_warnings,
)
from omniscope_training.split_columns import check_split

if TYPE_CHECKING:
    from omniscope.automl.v1.automl_service_pb2 import TrainRequest
    from omniscope_service.registry_client import RegistryClient


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

    async def plan(self, request: TrainRequest) -> TrainingPlan[TrainRequest]:
        """Check a request and fill in what it leaves open.

        Raises:
            InvalidArgument: The request cannot work; the message says what is allowed.
            NotFound: The dataset does not exist, or is somebody else's.
        """
        filled = fill_options(request)
        check_options(filled)
        if self._trains_here:
            check_families_available(filled)
        table = await read_table(self._datasets, filled)
        problem_type = table.target.problem_type
        check_metric_fits(filled.eval_metric, problem_type)
        filled.eval_metric = filled.eval_metric or DEFAULT_METRICS[problem_type]
        complete(filled, table, ENTRY.name)
        check_split(filled, table)
        warnings = (*table_warnings(filled, table), *split_warnings(filled, table))
        return TrainingPlan(filled, table.dataset, warnings)
