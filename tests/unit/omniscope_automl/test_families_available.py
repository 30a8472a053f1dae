"""A family that this machine cannot train is refused at once, where jobs are run here too."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from omniscope.automl.v1.automl_service_pb2 import TrainRequest
from omniscope_automl.planner import TrainingPlanner
from omniscope_service.errors import InvalidArgument


class _AskedError(Exception):
    """The request was good enough to ask the registry for the dataset."""


class _Datasets:
    async def GetDataset(self, request: object) -> None:
        raise _AskedError


def _planner(*, trains_here: bool) -> TrainingPlanner:
    registry = cast("Any", SimpleNamespace(datasets=_Datasets()))
    return TrainingPlanner(registry, trains_here=trains_here)


@pytest.fixture(autouse=True)
def _without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_spec(name: str) -> object:
        return None if name == "torch" else name

    monkeypatch.setattr("omniscope_automl.presets.find_spec", find_spec)


def _request(**families: list[str]) -> TrainRequest:
    return TrainRequest(dataset_id="table", target_column="y", **cast("Any", families))


async def test_a_family_that_this_machine_lacks_is_refused_with_those_it_has():
    request = _request(included_model_families=["GBM", "NN_TORCH"])

    with pytest.raises(InvalidArgument, match=r"'NN_TORCH' needs torch.*GBM, CAT, XGB") as caught:
        await _planner(trains_here=True).plan(request)

    assert caught.value.reason == "MODEL_FAMILY_UNAVAILABLE"
    assert caught.value.field == "included_model_families[1]"


@pytest.mark.parametrize(
    "families",
    [{}, {"included_model_families": ["GBM"]}, {"excluded_model_families": ["NN_TORCH"]}],
)
async def test_what_nobody_asked_for_may_be_missing(families: dict[str, list[str]]):
    with pytest.raises(_AskedError):
        await _planner(trains_here=True).plan(_request(**families))


async def test_without_a_worker_in_the_process_the_workers_decide():
    with pytest.raises(_AskedError):
        await _planner(trains_here=False).plan(_request(included_model_families=["NN_TORCH"]))
