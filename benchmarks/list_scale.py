"""ListJobs and ListModels with 1,000 rows against 1,000,000: two pages, and an empty answer."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

import grpc
from rich.progress import track

from benchmarks.claim import Claim
from benchmarks.processes import own_processes
from benchmarks.seed_rows import seed
from benchmarks.size import sized
from omniscope.registry.v1.job_service_pb2 import ListJobsRequest
from omniscope.registry.v1.job_service_pb2_grpc import JobServiceStub
from omniscope.registry.v1.model_service_pb2 import ListModelsRequest
from omniscope.registry.v1.model_service_pb2_grpc import ModelServiceStub

FEW = 1000
MANY = sized(1_000_000, small=2000)
# So that even the few rows have a hundredth page.
PAGE_SIZE = 10
PAGE = 100
MET_BY_NONE = 'dataset_id = "none"'
ROUNDS = sized(200, small=2)
TARGET = 1.5

Turn = Callable[[str, str], str]
"""Reads the page of a token with a filter and returns the token of the next one."""


def measure() -> list[Claim]:
    """Reads from two registries call by call in turn."""
    with ExitStack() as stack:
        few, many = (pages(stack.enter_context(lists_of(rows))) for rows in (FEW, MANY))
        seconds: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in few}
        for _ in track(range(ROUNDS), "list_scale"):
            for name, (of_few, of_many) in seconds.items():
                of_few.append(timed(few[name]))
                of_many.append(timed(many[name]))
    return [claim(name, of_few, of_many) for name, (of_few, of_many) in seconds.items()]


@contextmanager
def lists_of(rows: int) -> Iterator[Mapping[str, Turn]]:
    """Runs a registry with so many jobs and models; yields its lists by name."""
    with own_processes() as processes:
        seed(processes.home / "registry.db", rows)
        processes.start_registry()
        token = (processes.home / "token").read_text()
        metadata = (("authorization", f"Bearer {token}"),)
        with grpc.insecure_channel(processes.registry) as channel:
            jobs, models = JobServiceStub(channel), ModelServiceStub(channel)

            def turn_jobs(token: str, only: str) -> str:
                request = ListJobsRequest(page_size=PAGE_SIZE, page_token=token, filter=only)
                return jobs.ListJobs(request, metadata=metadata, timeout=30).next_page_token

            def turn_models(token: str, only: str) -> str:
                request = ListModelsRequest(page_size=PAGE_SIZE, page_token=token, filter=only)
                return models.ListModels(request, metadata=metadata, timeout=30).next_page_token

            yield {"jobs": turn_jobs, "models": turn_models}


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
