"""A job trains on what it is for, and on nothing else."""

import pytest
import torch

from omniscope_deeplearning.checkpoints import Checkpoint
from omniscope_deeplearning.device import check_devices, training_device
from omniscope_deeplearning.world import World
from omniscope_ml.errors import DataError
from tests.unit.omniscope_deeplearning.conftest import RecordedReport


@pytest.fixture
def two_gpus(monkeypatch):
    """What torch says of a machine with two GPUs."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


def test_a_job_for_a_cpu_trains_there_although_there_are_gpus(two_gpus, train_network, make_spec):
    training = train_network(make_spec(accelerator="cpu"))

    assert training.held_out["accuracy"] > 0
    assert not torch.cuda.is_initialized()


def test_a_job_for_a_gpu_is_refused_where_torch_sees_none(train_network, make_spec):
    with pytest.raises(DataError, match=r"torch .* sees none on this worker") as refused:
        train_network(make_spec(accelerator="gpu"))

    assert refused.value.reason == "ACCELERATOR_UNAVAILABLE"
    assert refused.value.field == "resources.accelerator"


def test_a_job_for_more_gpus_than_there_are_is_refused_with_both_figures(two_gpus, make_spec):
    with pytest.raises(DataError) as refused:
        check_devices(make_spec(accelerator="gpu", options={"devices": 3}))

    assert refused.value.field == "resources.devices"
    assert refused.value.message == (
        "resources.devices is 3, and GPUs of this worker are 2; allowed here is 1 to 2"
    )


def test_more_processes_than_processors_are_refused(make_spec, monkeypatch):
    monkeypatch.setattr("omniscope_deeplearning.device.cpu_count", lambda: 4)

    check_devices(make_spec(options={"devices": 4}))
    with pytest.raises(DataError) as refused:
        check_devices(make_spec(options={"devices": 5}))

    assert refused.value.reason == "ACCELERATOR_UNAVAILABLE"
    assert refused.value.message == (
        "resources.devices is 5, and processors of this worker are 4; allowed here is 1 to 4"
    )


def test_every_process_of_a_job_for_gpus_has_its_own(two_gpus, make_spec):
    spec = make_spec(accelerator="gpu", options={"devices": 2})

    check_devices(spec)

    found = [training_device(spec, World(rank, 2)) for rank in range(2)]
    assert found == [torch.device("cuda", 0), torch.device("cuda", 1)]


def test_a_training_is_not_resumed_on_another_kind_of_device(train_network, make_spec, tmp_path):
    train_network(make_spec(accelerator="cpu"), report=RecordedReport(resume=tmp_path))
    report = RecordedReport()

    assert Checkpoint.read(tmp_path, make_spec(accelerator="cpu"), report) is not None
    assert Checkpoint.read(tmp_path, make_spec(accelerator="gpu"), report) is None

    assert "starts over" in report.lines[0][1]


def test_a_scheduler_that_started_the_worker_does_not_lead_the_training(
    train_network, make_spec, monkeypatch
):
    """Lightning would look for it, and wait for its other tasks."""
    monkeypatch.setenv("SLURM_JOB_NAME", "suite")
    monkeypatch.setenv("SLURM_NTASKS", "8")
    monkeypatch.setenv("SLURM_PROCID", "3")

    assert train_network(make_spec()).held_out["accuracy"] > 0
