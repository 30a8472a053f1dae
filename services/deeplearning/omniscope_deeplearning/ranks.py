"""Starts the processes that share a training, and joins them.

Lightning's own launcher would start the worker's child once more, with its pipe and its job. Here
rank 0 is that child, and the others are started by exec, read the same spec and dataset, and die
with it.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch

from omniscope_deeplearning.checkpoints import Checkpoint
from omniscope_deeplearning.companions import Companions, last_words
from omniscope_deeplearning.device import training_device
from omniscope_deeplearning.fit import fit_network
from omniscope_deeplearning.memory import memory_told
from omniscope_deeplearning.prepared import read_prepared_table
from omniscope_deeplearning.spec import TrainSpec
from omniscope_deeplearning.stop_request import StopRequest
from omniscope_deeplearning.world import World
from omniscope_service.jobs.report import JobPaths, Severity

# Ranks that have met wait so long for each other: one that measures, or writes a checkpoint.
_WAIT = timedelta(minutes=5)
_RANK = "omniscope_deeplearning.ranks"
_ORDERS = "ranks.json"
_MEETING = "meeting"


@contextmanager
def joined_world(spec: TrainSpec, paths: JobPaths, stop: StopRequest) -> Iterator[World]:
    """Start the other processes of a training and join them; none for one device.

    Raises:
        LostProcessError: One of them died; the message says which and how.
        ToldMemoryError: One of them found no more memory.
        SystemExit: The worker asked for the end before they had met.
    """
    size = spec.training.devices
    if size == 1:
        yield World()
        return
    orders = paths.workspace / _ORDERS
    orders.write_text(json.dumps({"spec": spec.to_dict(), "paths": _texts(paths)}))
    command, world = [sys.executable, "-m", _RANK, str(orders)], World(0, size)
    with Companions(command, size, paths.workspace) as others:
        store = _meeting_place(world, paths.workspace)
        others.wait_until(lambda: store.check([_here(rank) for rank in range(size)]), stop)
        with _group(spec, world, store), others.watched():
            yield world


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
    # The others are left after the last words: they look for these when a connection breaks.
    with ExitStack() as together, last_words(paths.workspace, rank), memory_told(spec):
        _train_along(spec, paths, World(rank, spec.training.devices), together)


def _train_along(spec: TrainSpec, paths: JobPaths, world: World, together: ExitStack) -> None:
    report = SilentReport()
    prepared = read_prepared_table(paths.dataset, spec)
    checkpoint = Checkpoint.read(paths.resume, spec, report)
    together.enter_context(_group(spec, world, _meeting_place(world, paths.workspace)))
    fit_network(
        spec,
        prepared,
        checkpoint,
        report,
        folder=paths.workspace / f"checkpoint-{world.rank}",
        stop=StopRequest(),
        world=world,
    )


def _meeting_place(world: World, folder: Path) -> torch.distributed.Store:
    """Come to where all meet: a file in the attempt's own folder, so that no port is taken."""
    store = torch.distributed.FileStore(os.fspath(folder.resolve() / _MEETING), world.size)
    store.set(_here(world.rank), "")
    return store


def _here(rank: int) -> str:
    return f"here/{rank}"


@contextmanager
def _group(spec: TrainSpec, world: World, store: torch.distributed.Store) -> Iterator[None]:
    """Be one of those that train together."""
    nccl = training_device(spec, world).type == "cuda"
    torch.distributed.init_process_group(
        "cpu:gloo,cuda:nccl" if nccl else "gloo",
        store=store,
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
