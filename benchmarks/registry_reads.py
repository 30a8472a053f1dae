"""Registry reads at 32 in flight against MLflow's tracking server and a bare grpc.aio server."""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import requests

from benchmarks.claim import Claim
from benchmarks.local_suite import omniscope, running_suite, state
from benchmarks.mlflow_server import mlflow_server
from benchmarks.seed_models import ModelSeeder
from benchmarks.size import sized
from omniscope.registry.v1 import model_service_pb2, model_service_pb2_grpc

IN_FLIGHT = 32
MODELS = sized(50, small=2)
ROUNDS = sized(3, small=1)
READS = sized(3000, small=IN_FLIGHT)
MLFLOW_READS = sized(300, small=IN_FLIGHT)
PENGUINS = Path(__file__).parents[1] / "examples" / "data" / "penguins.csv"


def measure() -> list[Claim]:
    """Seeds models on both sides, then reads them turn by turn."""
    with running_suite() as home, mlflow_server() as mlflow_url:
        create_models(mlflow_url)
        return asyncio.run(compare(home, mlflow_url))


async def compare(home: Path, mlflow_url: str) -> list[Claim]:
    """Returns the three claims."""
    omniscope(home, "datasets", "upload", str(PENGUINS), "--name", "penguins")
    dataset = json.loads(omniscope(home, "datasets", "show", "penguins", "--json"))
    metadata = (("authorization", f"Bearer {(home / 'token').read_text().strip()}"),)
    async with grpc.aio.insecure_channel(str(state(home)["registry"]["address"])) as channel:
        seeder = ModelSeeder(home, channel, dataset["dataset_id"])
        ids = [await seeder.register(f"model-{number}") for number in range(MODELS)]
        models = model_service_pb2_grpc.ModelServiceStub(channel)
        get = model_service_pb2.GetModelRequest(model_id=ids[0])
        model = await models.GetModel(get, metadata=metadata, timeout=30)
        page = model_service_pb2.ListModelsRequest(page_size=MODELS)
        with echo_server(model.SerializeToString()) as address:
            async with grpc.aio.insecure_channel(address) as bare:
                echo = model_service_pb2_grpc.ModelServiceStub(bare)
                rates = await alternate(
                    {
                        "get": (lambda: models.GetModel(get, metadata=metadata), READS),
                        "echo": (lambda: echo.GetModel(get), READS),
                        "list": (lambda: models.ListModels(page, metadata=metadata), MLFLOW_READS),
                    },
                    {
                        "mlflow get": mlflow_url + MLFLOW_GET,
                        "mlflow list": mlflow_url + MLFLOW_LIST,
                    },
                )
    return [
        against(rates, "registry_get_model", "get", "mlflow get", 10.0),
        against(rates, "registry_get_model_echo", "get", "echo", 0.4),
        against(rates, "registry_list_models", "list", "mlflow list", 3.0),
    ]


async def alternate(
    calls: Mapping[str, tuple[Callable[[], Awaitable[object]], int]], urls: Mapping[str, str]
) -> Mapping[str, list[float]]:
    """Returns the reads per second of every side, one figure a round, measured turn by turn."""
    rates: dict[str, list[float]] = {name: [] for name in (*calls, *urls)}
    for _ in range(ROUNDS):
        for name, (read, count) in calls.items():
            rates[name].append(await rate(read, count))
        for name, url in urls.items():
            rates[name].append(await asyncio.to_thread(http_rate, url))
    return rates


def against(
    rates: Mapping[str, list[float]], name: str, ours: str, theirs: str, target: float
) -> Claim:
    """Returns the claim that one rate is at least `target` times another, round by round."""
    ratio = statistics.median(
        own / other for own, other in zip(rates[ours], rates[theirs], strict=True)
    )
    return Claim(
        name=name,
        ours=f"{statistics.median(rates[ours]):.0f}/s",
        theirs=f"{theirs} {statistics.median(rates[theirs]):.0f}/s",
        ratio=ratio,
        target=f">= {target:g}",
        passed=ratio >= target,
    )


async def rate(read: Callable[[], Awaitable[object]], count: int) -> float:
    """Returns reads per second with 32 in flight."""

    async def worker() -> None:
        for _ in range(count // IN_FLIGHT):
            await read()

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return count // IN_FLIGHT * IN_FLIGHT / (time.perf_counter() - started)


MLFLOW_GET = "/api/2.0/mlflow/registered-models/get?name=model-0"
MLFLOW_LIST = f"/api/2.0/mlflow/registered-models/search?max_results={MODELS}"


def http_rate(url: str) -> float:
    """Returns HTTP reads per second with 32 in flight, one connection each."""

    def worker(_: int) -> None:
        with requests.Session() as session:
            for _ in range(MLFLOW_READS // IN_FLIGHT):
                session.get(url, timeout=60).raise_for_status()

    started = time.perf_counter()
    with ThreadPoolExecutor(IN_FLIGHT) as threads:
        list(threads.map(worker, range(IN_FLIGHT)))
    return MLFLOW_READS // IN_FLIGHT * IN_FLIGHT / (time.perf_counter() - started)


@contextmanager
def echo_server(model: bytes) -> Iterator[str]:
    """Runs the bare server in a process of its own; yields its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.echo_server", model.hex()],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield f"127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def create_models(url: str) -> None:
    """Registers as many models with MLflow."""
    for number in range(MODELS):
        requests.post(
            f"{url}/api/2.0/mlflow/registered-models/create",
            json={"name": f"model-{number}"},
            timeout=60,
        ).raise_for_status()
