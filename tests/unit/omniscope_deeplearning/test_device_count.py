"""More devices than this machine has are refused at once, where jobs are run here too."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from omniscope.common.v1.resources_pb2 import Resources
from omniscope.deeplearning.v1.deep_learning_service_pb2 import TrainRequest
from omniscope_deeplearning.device_count import fill_accelerator
from omniscope_deeplearning.planner import TrainingPlanner
from omniscope_service.errors import InvalidArgument


class _AskedError(Exception):
    """The request was good enough to ask the registry for the dataset."""


class _Datasets:
    async def GetDataset(self, request: object) -> None:
        raise _AskedError


@pytest.fixture(autouse=True)
def _machine(monkeypatch, tmp_path):
    """A machine with four processors and two GPUs."""
    for name in ("nvidia0", "nvidia1", "nvidiactl"):
        (tmp_path / name).touch()
    monkeypatch.setattr("omniscope_deeplearning.device_count._DEVICES", tmp_path)
    monkeypatch.setattr("omniscope_deeplearning.device_count.cpu_count", lambda: 4)


async def plan(devices: int, accelerator: str, *kinds_here: Any) -> None:
    registry = cast("Any", SimpleNamespace(datasets=_Datasets()))
    request = TrainRequest(
        dataset_id="table",
        target_column="y",
        resources=Resources(accelerator=accelerator, devices=devices),
    )
    await TrainingPlanner(registry, kinds_here=kinds_here).plan(request)


@pytest.mark.parametrize(
    ("devices", "accelerator", "kinds_here", "said"),
    [
        (5, "cpu", ["cpu", "gpu"], "is 5, and processors of this worker are 4; allowed here is 1"),
        (5, "auto", ["cpu"], "is 5, and processors of this worker are 4; allowed here is 1"),
        (
            3,
            "auto",
            ["cpu", "gpu"],
            "is 3, and GPUs of this worker are 2; allowed here is 1 to 2.",
        ),
        (3, "gpu", ["gpu"], "is 3, and GPUs of this worker are 2; allowed here is 1 to 2."),
    ],
)
async def test_more_devices_than_there_are_are_refused_with_both_figures(
    devices, accelerator, kinds_here, said
):
    with pytest.raises(InvalidArgument) as refused:
        await plan(devices, accelerator, *kinds_here)

    assert (refused.value.reason, refused.value.field) == (
        "ACCELERATOR_UNAVAILABLE",
        "resources.devices",
    )
    assert f"resources.devices {said}" in refused.value.message


@pytest.mark.parametrize(
    ("devices", "accelerator", "kinds_here"),
    [(4, "cpu", ["cpu"]), (2, "auto", ["cpu", "gpu"]), (3, "gpu", ["cpu"]), (64, "cpu", [])],
)
async def test_what_there_is_or_another_worker_may_have_is_let_through(
    devices, accelerator, kinds_here
):
    with pytest.raises(_AskedError):
        await plan(devices, accelerator, *kinds_here)


@pytest.mark.parametrize(
    ("asked", "kinds_here", "filled"),
    [
        ("auto", ["cpu", "gpu"], "gpu"),
        ("auto", ["gpu"], "gpu"),
        ("auto", ["cpu"], "auto"),
        ("auto", [], "auto"),
        ("cpu", ["cpu", "gpu"], "cpu"),
    ],
)
def test_a_gpu_of_this_machine_is_taken_before_its_worker_has_announced_itself(
    asked, kinds_here, filled
):
    resources = Resources(accelerator=asked)

    fill_accelerator(resources, kinds_here)

    assert resources.accelerator == filled
