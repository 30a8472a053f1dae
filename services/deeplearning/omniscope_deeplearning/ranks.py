"""Starts the processes that share a training, and joins them.

Lightning's own launcher would start the worker's child once more, with its pipe and its job. Here
rank 0 is that child, and the others are started by exec, read the same spec and dataset, and die
with it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch

from omniscope_deeplearning.checkpoints import Checkpoint
from omniscope_deeplearning.device import training_device
from omniscope_deeplearning.fit import fit_network
from omniscope_deeplearning.prepared import read_prepared_table
from omniscope_deeplearning.spec import TrainSpec
from omniscope_deeplearning.stop_request import StopRequest
from omniscope_deeplearning.world import World
from omniscope_service.jobs.report import JobPaths, Severity

_WAIT = timedelta(minutes=5)
_ORDERS = "ranks.json"
_MEETING = "meeting"


@contextmanager
def joined_world(spec: TrainSpec, paths: JobPaths) -> Iterator[World]:
    """Start the other processes of a training and join them; none for one device."""
    size = spec.training.devices
    if size == 1:
        yield World()
        return
    orders = paths.workspace / _ORDERS
    orders.write_text(json.dumps({"spec": spec.to_dict(), "paths": _texts(paths)}))
    command = [sys.executable, "-m", __name__, str(orders)]
    others = [subprocess.Popen([*command, str(rank)]) for rank in range(1, size)]
    try:
        world = World(0, size)
        with _group(spec, world, paths.workspace):
            yield world
        for other in others:
            other.wait()
    finally:
        for other in others:
            other.kill()
            other.wait()


@dataclass(frozen=True)
class SilentReport:
    """`Report` of a process that has no pipe: rank 0 says the same."""

    def progress(
        self,
        percent: float,
        phase: str,
        completed: int = 0,
        total: int = 0,
        eta_seconds: float | None = None,
    ) -> None:
        """Say nothing."""

    def metric(self, name: str, value: float, *, step: int, split: str, epoch: int = 0) -> None:
        """Say nothing."""

    def leaderboard(self, **entry: object) -> None:
        """Say nothing."""

    def log(self, text: str, severity: Severity = "info") -> None:
        """Say nothing."""

    def checkpoint(self, files: object, *, step: int) -> None:
        """Store nothing."""


def run_rank(orders: Path, rank: int) -> None:
    """Train along with rank 0.

    Args:
        orders: What rank 0 wrote.
        rank: Number of this process.
    """
    values = json.loads(orders.read_text())
    spec = TrainSpec.from_dict(values["spec"])
    paths = JobPaths(**{name: text and Path(text) for name, text in values["paths"].items()})
    report, world = SilentReport(), World(rank, spec.training.devices)
    prepared = read_prepared_table(paths.dataset, spec)
    checkpoint = Checkpoint.read(paths.resume, spec, report)
    with _group(spec, world, paths.workspace):
        fit_network(
            spec,
            prepared,
            checkpoint,
            report,
            folder=paths.workspace / f"checkpoint-{rank}",
            stop=StopRequest(),
            world=world,
        )


@contextmanager
def _group(spec: TrainSpec, world: World, folder: Path) -> Iterator[None]:
    """Meet the others by a file in the attempt's own folder: no port is taken."""
    nccl = training_device(spec, world).type == "cuda"
    torch.distributed.init_process_group(
        "cpu:gloo,cuda:nccl" if nccl else "gloo",
        init_method=f"file://{folder.resolve() / _MEETING}",
        rank=world.rank,
        world_size=world.size,
        timeout=_WAIT,
    )
    try:
        yield
    finally:
        torch.distributed.destroy_process_group()


def _texts(paths: JobPaths) -> dict[str, str | None]:
    names = ("dataset", "workspace", "package", "checkpoints", "resume")
    found = {name: getattr(paths, name) for name in names}
    return {name: None if path is None else os.fspath(path) for name, path in found.items()}


if __name__ == "__main__":
    run_rank(Path(sys.argv[1]), int(sys.argv[2]))
