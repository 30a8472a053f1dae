"""A training that finds no more memory ends with figures and with what the request could say."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from omniscope.registry.v1 import worker_service_pb2 as messages
from omniscope_deeplearning.memory import explained_memory_error
from omniscope_ml.codec import encode
from tests.unit.omniscope_service.jobs.conftest import dataset_input, played

TRAINERS = Path(__file__).parent / "trainers"


def message(spec, error):
    with pytest.raises(MemoryError) as caught, explained_memory_error(spec):
        raise error
    return str(caught.value)


@pytest.fixture
def full_gpu(monkeypatch):
    """What torch says of a GPU that is almost full."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (2**30, 80 * 2**30))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 77 * 2**30)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"),
    ],
)
def test_a_full_gpu_is_told_with_its_figures_and_what_needs_less(full_gpu, make_spec, error):
    spec = make_spec(architecture="gru", accelerator="gpu", options={"batch_size": 64})

    assert message(spec, error) == (
        "the GPU has 80.0 GiB, the training held 77.0 GiB of it at most, 1.0 GiB are free; "
        "a smaller training.batch_size than 64 with more training.accumulation, a smaller "
        "gru.width, a larger gru.patch, or fewer columns by feature_selection.top_k need less."
    )


@pytest.mark.parametrize("accelerator", ["cpu", "gpu"])
def test_a_full_machine_is_told_with_what_was_asked_for(make_spec, accelerator):
    with pytest.raises(RuntimeError) as full:
        torch.empty(2**50, dtype=torch.uint8)

    said = message(make_spec(accelerator=accelerator), full.value)

    assert "1048576.0 GiB more were asked for at once" in said
    assert "training.batch_size than the default" in said
    assert "a smaller mlp.width, or fewer columns" in said


def test_what_numpy_finds_no_memory_for_is_told_too(make_spec):
    with pytest.raises(MemoryError) as full:
        np.empty(2**50, dtype=np.uint8)

    assert "Unable to allocate 1.00 PiB" in message(make_spec(), full.value)


def test_other_errors_of_torch_stay_as_they_are(make_spec):
    with (
        pytest.raises(RuntimeError, match="shapes cannot be multiplied"),
        explained_memory_error(make_spec()),
    ):
        torch.ones(2, 3) @ torch.ones(2, 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("act", "figures"),
    [("fill_gpu", "Tried to allocate 2.00 GiB"), ("fill_machine", "1048576.0 GiB more")],
)
@pytest.mark.timeout(300)  # the child imports torch
async def test_a_job_that_finds_no_memory_says_so(
    act, figures, home, tokens, nats_url, stored, make_spec, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", str(TRAINERS), prepend=os.pathsep)
    table = stored["penguins"].read_bytes()
    async with played(home, tokens, nats_url) as scene:
        await scene.artifacts.put_bytes("penguins", table)
        async with scene.working(trainer="full_memory_trainer"):
            failed = await scene.run(
                act,
                inputs=[dataset_input("penguins", hashlib.sha256(table).hexdigest())],
                **encode(make_spec()),
            )

    assert failed.cause == messages.FAILURE_CAUSE_OUT_OF_MEMORY
    assert (failed.error.code, failed.error.reason) == ("RESOURCE_EXHAUSTED", "OUT_OF_MEMORY")
    assert failed.error.message.startswith("The training ran out of memory: the worker has ")
    assert figures in failed.error.message
    assert "a smaller mlp.width" in failed.error.message
