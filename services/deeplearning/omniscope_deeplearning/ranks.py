"""The ranks of a training: rank 0 launches the others and joins them to one process group.

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
from omniscope_deeplearning.device import training_device
from omniscope_deeplearning.fit import fit_network
from omniscope_deeplearning.memory import explained_memory_error
from omniscope_deeplearning.peer_ranks import PeerRanks, record_error
from omniscope_deeplearning.prepared import read_prepared_table
from omniscope_deeplearning.spec import TrainSpec
from omniscope_deeplearning.stop_request import StopRequest
from omniscope_deeplearning.world import World
from omniscope_ml.codec import decode, encode
from omniscope_service.jobs.report import JobPaths, Severity

# Ranks that have joined wait so long for each other: one that measures, or writes a checkpoint.
_WAIT = timedelta(minutes=5)
_RANK = "omniscope_deeplearning.ranks"
_JOB_FILE = "ranks.json"
_RENDEZVOUS = "rendezvous"


@contextmanager
def launched_ranks(spec: TrainSpec, paths: JobPaths, stop: StopRequest) -> Iterator[World]:
    """Start the other processes of a training and join them; none for one device.

    Raises:
        LostProcessError: One of them died; the message says which and how.
        TrainingMemoryError: One of them found no more memory.
        SystemExit: The worker asked for the end before all had joined.
    """
    size = spec.training.devices
    if size == 1:
        yield World()
        return
    job_file = paths.workspace / _JOB_FILE
    job_file.write_text(json.dumps({"spec": encode(spec), "paths": paths.to_dict()}))
    command, world = [sys.executable, "-m", _RANK, str(job_file)], World(0, size)
    with PeerRanks(command, size, paths.workspace) as others:
        store = _rendezvous(world, paths.workspace)
        others.wait_until(lambda: store.check([_arrival(rank) for rank in range(size)]), stop)
        with _process_group(spec, world, store), others.monitored():
            yield world


@dataclass(frozen=True)
class NullReport:
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


def run_rank(job_file: Path, rank: int) -> None:
    """Train along with rank 0.

    Args:
        job_file: The spec and paths that rank 0 wrote.
        rank: Number of this process.
    """
    values = json.loads(job_file.read_text())
    spec = decode(TrainSpec, values["spec"])
    paths = JobPaths.from_dict(values["paths"])
    # The group is left after the error is recorded: others look for it when a connection breaks.
    with (
        ExitStack() as together,
        record_error(paths.workspace, rank),
        explained_memory_error(spec),
    ):
        _train_rank(spec, paths, World(rank, spec.training.devices), together)


def _train_rank(spec: TrainSpec, paths: JobPaths, world: World, together: ExitStack) -> None:
    report = NullReport()
    prepared = read_prepared_table(paths.dataset, spec)
    checkpoint = Checkpoint.read(paths.resume, spec, report)
    together.enter_context(_process_group(spec, world, _rendezvous(world, paths.workspace)))
    fit_network(
        spec,
        prepared,
        checkpoint,
        report,
        folder=paths.workspace / f"checkpoint-{world.rank}",
        stop=StopRequest(),
        world=world,
    )


def _rendezvous(world: World, folder: Path) -> torch.distributed.Store:
    """Join the rendezvous: a file in the attempt's own folder, so that no port is taken."""
    store = torch.distributed.FileStore(os.fspath(folder.resolve() / _RENDEZVOUS), world.size)
    store.set(_arrival(world.rank), "")
    return store


def _arrival(rank: int) -> str:
    return f"arrived/{rank}"


@contextmanager
def _process_group(
    spec: TrainSpec, world: World, store: torch.distributed.Store
) -> Iterator[None]:
    """Be a member of the process group."""
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


if __name__ == "__main__":
    run_rank(Path(sys.argv[1]), int(sys.argv[2]))
