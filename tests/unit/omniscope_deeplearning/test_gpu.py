"""What only a GPU shows: `make test-gpu` on a machine that has one."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from omniscope_deeplearning import ranks
from omniscope_deeplearning.memory import TrainingMemoryError
from omniscope_deeplearning.trainer import warm
from omniscope_deeplearning.world import World
from omniscope_ml.networks.architectures import ARCHITECTURES
from tests.unit.omniscope_deeplearning.conftest import (
    DIGITS,
    EXAMPLES,
    ROWS_OF_PIXELS,
    SOURCES,
    RecordedReport,
)

pytestmark = pytest.mark.gpu

LAYOUTS = {"cnn2d": {"input_layout": DIGITS}, "mlp": {}}


@pytest.fixture(autouse=True, scope="module")
def warmed() -> None:
    """What a worker's child does before it trains."""
    warm()


@pytest.fixture
def digits_spec(make_spec):
    """Makes a spec for a GPU."""

    def make(architecture, **options):
        given = LAYOUTS.get(architecture, {"input_layout": ROWS_OF_PIXELS})
        small = {"epochs": 3, "batch_size": 64, "dropout": 0.2, **options}
        return make_spec("digits", architecture, accelerator="gpu", options=small, **given)

    return make


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_learns_with_16_bits_by_itself(
    train_network, digits_spec, architecture
):
    torch.cuda.reset_peak_memory_stats()

    training = train_network(digits_spec(architecture, epochs=6, learning_rate=3e-3), "digits")

    assert torch.cuda.max_memory_allocated() > 0
    assert training.held_out["accuracy"] > 0.7  # chance is 0.1
    assert any("weights on cuda" in text for _, text in training.report.lines)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_same_seed_gives_the_same_weights(train_network, digits_spec, architecture):
    first, second = (train_network(digits_spec(architecture), "digits") for _ in range(2))

    assert first.weights == second.weights


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_interrupted_training_gives_the_weights_of_an_uninterrupted_one(
    train_network, digits_spec, tmp_path, architecture
):
    def end(epoch):
        if epoch == 0:
            os.kill(os.getpid(), signal.SIGTERM)

    spec = digits_spec(architecture)
    whole = train_network(spec, "digits")
    with pytest.raises(SystemExit):
        train_network(spec, "digits", RecordedReport(on_epoch=end, resume=tmp_path))

    resumed = train_network(spec, "digits", resume=tmp_path)

    assert json.loads((tmp_path / "state.json").read_text())["state"]["epoch"] == 1
    assert resumed.weights == whole.weights


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_32_bits_are_those_of_a_cpu(train_network, digits_spec, architecture):
    """What a GPU would round off by itself leaves 10 bits after the point."""
    still = {"epochs": 1, "dropout": 0.0, "learning_rate": 1e-8, "precision": "32"}
    asked = digits_spec(architecture, **still)

    of_gpu, of_cpu = (
        train_network(replace(asked, accelerator=kind), "digits").curves["epochs"][0]
        for kind in ("gpu", "cpu")
    )

    for measured in ("train_loss", "validation_loss", "gradient_norm"):
        assert of_gpu[measured] == pytest.approx(of_cpu[measured], rel=2e-5)


def test_a_package_of_a_gpu_predicts_where_there_is_none(train_network, digits_spec):
    package = train_network(digits_spec("cnn2d", epochs=6, learning_rate=3e-3), "digits").package
    code = (
        "import sys, torch, pandas as pd; from omniscope_ml.pyfunc import _load_pyfunc;"
        "assert not torch.cuda.is_available();"
        "rows = pd.read_parquet(sys.argv[2]);"
        "predicted = _load_pyfunc(sys.argv[1]).predict(rows)['prediction'];"
        "print((predicted == rows['digit']).mean())"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code, str(package), str(EXAMPLES / SOURCES["digits"][0])],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert float(ended.stdout) > 0.7


@contextmanager
def at_most(share: float) -> Iterator[None]:
    """Leave torch a share of the GPU."""
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(share)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_a_full_gpu_is_told_with_figures_and_advice(train_network, digits_spec):
    with at_most(1e-4), pytest.raises(TrainingMemoryError) as told:
        train_network(digits_spec("cnn2d", batch_size=1024), "digits")

    assert str(told.value).startswith("the GPU has ")
    assert "a smaller training.batch_size than 1024" in str(told.value)


def test_a_group_over_nccl_gives_the_weights_of_a_process_alone(
    train_network, digits_spec, tmp_path, monkeypatch
):
    """Of one process, since a machine has one GPU at least; gloo shows the rest on processors."""
    spec = digits_spec("cnn2d", dropout=0.0)
    alone = train_network(spec, "digits")

    @contextmanager
    def group_of_one(spec, paths, stop):
        world = World()
        store = ranks._rendezvous(world, paths.workspace)
        with ranks._process_group(spec, world, store):
            yield GroupOfOne()

    monkeypatch.setattr("omniscope_deeplearning.ranks.launched_ranks", group_of_one)

    assert train_network(spec, "digits").weights == alone.weights


class GroupOfOne(World):
    """A process that asks a group although it is alone in it."""

    def data_parallel(self, network):
        return torch.nn.parallel.DistributedDataParallel(network)

    def all_reduce(self, values):
        torch.distributed.all_reduce(values)
        return values

    def broadcast(self, value):
        shared = torch.tensor([value], dtype=torch.float64)
        torch.distributed.broadcast(shared, src=0)
        return float(shared)
