"""ListJobs and ListModels with 1,000 rows against 1,000,000: pages and filters.

Besides, how long a worker's heartbeat waits while lists look at a million rows and find none.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import grpc
from rich.progress import track
from ulid import ULID

from benchmarks.claim import Claim
from benchmarks.processes import own_processes
from benchmarks.seed_rows import seed
from benchmarks.size import sized
from omniscope.registry.v1.job_service_pb2 import ListJobsRequest
from omniscope.registry.v1.job_service_pb2_grpc import JobServiceStub
from omniscope.registry.v1.model_service_pb2 import ListModelsRequest
from omniscope.registry.v1.model_service_pb2_grpc import ModelServiceStub
from omniscope.registry.v1.worker_service_pb2 import AnnounceWorkerRequest
from omniscope.registry.v1.worker_service_pb2_grpc import WorkerServiceStub

FEW = 1000
MANY = sized(1_000_000, small=2000)
# So that even the few rows have a hundredth page.
PAGE_SIZE = 10
PAGE = 100
MET_BY_NONE = 'dataset_id = "none"'
MET_BY_SOME = 'dataset_id = "01D00000000000000000000007"'
# Of what no index is kept: every row is looked at.
SCANNED_FOR_NONE = 'tags.project = "none"'
SCANS = sized(3, small=1)
ROUNDS = sized(200, small=2)
TARGET = 1.5
TARGET_STALL_MS = 100.0

Turn = Callable[[str, str], str]
"""Reads the page of a token with a filter and returns the token of the next one."""


def measure() -> list[Claim]:
    """Reads from two registries call by call in turn."""
    with ExitStack() as stack:
        few_rows, many_rows = (stack.enter_context(lists_of(rows)) for rows in (FEW, MANY))
        few, many = pages(few_rows.lists), pages(many_rows.lists)
        seconds: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in few}
        for _ in track(range(ROUNDS), "list_scale"):
            for name, (of_few, of_many) in seconds.items():
                of_few.append(timed(few[name]))
                of_many.append(timed(many[name]))
        stall = heartbeat_stall(many_rows)
    return [
        *(claim(name, of_few, of_many) for name, (of_few, of_many) in seconds.items()),
        stall,
    ]


@dataclass(frozen=True)
class Registry:
    """A registry that runs.

    Attributes:
        lists: What turns the pages of its lists, by name.
        beat: Sends a worker's heartbeat and waits for its answer.
    """

    lists: Mapping[str, Turn]
    beat: Callable[[], object]


def heartbeat_stall(registry: Registry) -> Claim:
    """Returns the claim that a worker's heartbeats hardly notice lists that look at all rows."""
    waits = [timed(registry.beat) for _ in range(20)]
    with ThreadPoolExecutor(1) as beside:
        scans = beside.submit(
            lambda: [
                timed(partial(registry.lists["models"], "", SCANNED_FOR_NONE))
                for _ in range(SCANS)
            ]
        )
        while not scans.done():
            waits.append(timed(registry.beat))
    detail = f"{len(waits)} heartbeats beside lists of {max(scans.result()):.2g} s"
    return Claim.at_most(
        "list_scale_heartbeat_stall", max(waits) * 1e3, "ms", TARGET_STALL_MS, detail
    )


@contextmanager
def lists_of(rows: int) -> Iterator[Registry]:
    """Runs a registry with so many jobs and models."""
    with own_processes() as processes:
        seed(processes.home / "registry.db", rows)
        processes.start_registry()
        token = (processes.home / "token").read_text()
        metadata = (("authorization", f"Bearer {token}"),)
        with grpc.insecure_channel(processes.registry) as channel:
            jobs, models = JobServiceStub(channel), ModelServiceStub(channel)
            beat = heartbeat(channel, (processes.home / "worker-token").read_text())

            def turn_jobs(token: str, only: str) -> str:
                request = ListJobsRequest(page_size=PAGE_SIZE, page_token=token, filter=only)
                return jobs.ListJobs(request, metadata=metadata, timeout=30).next_page_token

            def turn_models(token: str, only: str) -> str:
                request = ListModelsRequest(page_size=PAGE_SIZE, page_token=token, filter=only)
                return models.ListModels(request, metadata=metadata, timeout=30).next_page_token

            yield Registry({"jobs": turn_jobs, "models": turn_models}, beat)


def heartbeat(channel: grpc.Channel, token: str) -> Callable[[], object]:
    """Returns what announces a worker, as each does with every heartbeat."""
    workers = WorkerServiceStub(channel)
    worker = AnnounceWorkerRequest(
        worker_id=str(ULID()), service="automl", resource_class="cpu", slots=1
    )
    metadata = (("authorization", f"Bearer {token}"),)
    return lambda: workers.AnnounceWorker(worker, metadata=metadata, timeout=30)


def pages(lists: Mapping[str, Turn]) -> Mapping[str, Callable[[], str]]:
    """Returns what reads the first and the hundredth page of each list, and nothing, by name."""
    found: dict[str, Callable[[], str]] = {}
    for name, turn in lists.items():
        token = ""
        for _ in range(PAGE - 1):
            token = turn(token, "")
        found[f"{name}_first"] = partial(turn, "", "")
        found[f"{name}_{PAGE}th"] = partial(turn, token, "")
        found[f"{name}_none"] = partial(turn, "", MET_BY_NONE)
        found[f"{name}_of_dataset"] = partial(turn, "", MET_BY_SOME)
    return found


def timed(read: Callable[[], object]) -> float:
    """Returns the seconds that one read takes."""
    started = time.perf_counter()
    read()
    return time.perf_counter() - started


def claim(name: str, of_few: Sequence[float], of_many: Sequence[float]) -> Claim:
    """Returns the claim that a page takes about as long with many rows as with few."""
    few, many = statistics.median(of_few), statistics.median(of_many)
    return Claim(
        name=f"list_scale_{name}",
        ours=f"{many * 1000:.2f} ms with {MANY:,} rows",
        theirs=f"{few * 1000:.2f} ms with {FEW:,}",
        ratio=many / few,
        target=f"<= {TARGET:g}",
        passed=many / few <= TARGET,
    )
