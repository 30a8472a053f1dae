"""A served ExperimentService, and jobs that ran."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert

from omniscope.registry.v1.experiment_service_pb2_grpc import (
    ExperimentServiceStub,
    add_ExperimentServiceServicer_to_server,
)
from omniscope_registry.database import Database
from omniscope_registry.experiments.servicer import ExperimentServicer
from omniscope_registry.tables.jobs import job_metrics
from omniscope_service.rpc.server import Registration


@pytest.fixture
async def service(database: Database, serve_registry: Any) -> AsyncIterator[Any]:
    registration = Registration(
        ExperimentServicer(database),
        add_ExperimentServiceServicer_to_server,
        "omniscope.registry.v1.ExperimentService",
    )
    async with serve_registry(registration) as running:
        yield running


@pytest.fixture
async def stub(service: Any) -> AsyncIterator[Any]:
    """The service as `ada` sees it."""
    async with service.channel_of("ada") as channel:
        yield ExperimentServiceStub(channel)


@pytest.fixture
async def stub_of_bob(service: Any) -> AsyncIterator[Any]:
    async with service.channel_of("bob") as channel:
        yield ExperimentServiceStub(channel)


@pytest.fixture
def measure(database: Database) -> Callable[..., Awaitable[None]]:
    """Stores values of a metric as a worker's reports do."""
    numbers = itertools.count(1)

    async def store(
        job: Any, name: str, *values: float, split: str = "", attempt: int = 1
    ) -> None:
        rows = [
            {
                "job_id": job.id,
                "attempt": attempt,
                "worker_sequence": next(numbers),
                "name": name,
                "split": split,
                "step": step,
                "epoch": 0,
                "value": value,
                "created_at": datetime.now(UTC),
            }
            for step, value in enumerate(values)
        ]
        async with database.write() as conn:
            await conn.execute(insert(job_metrics), rows)

    return store
