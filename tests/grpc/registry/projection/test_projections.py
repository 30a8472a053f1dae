import asyncio

import pytest

from omniscope.common.v1.job_event_pb2 import MetricPoint
from omniscope.registry.v1 import projection_service_pb2 as messages
from omniscope.registry.v1.projection_service_pb2_grpc import (
    ProjectionServiceStub,
    add_ProjectionServiceServicer_to_server,
)
from omniscope_registry import outbox
from omniscope_registry.jobs.sql import projections
from omniscope_registry.models.store_sql import SqlModelStore
from omniscope_registry.projection.servicer import ProjectionServicer
from omniscope_service.rpc.server import Registration


@pytest.fixture
async def service(database, serve_registry):
    registration = Registration(
        ProjectionServicer(database, [SqlModelStore(database)]),
        add_ProjectionServiceServicer_to_server,
        "omniscope.registry.v1.ProjectionService",
    )
    async with serve_registry(registration) as running:
        yield running


@pytest.fixture
async def stub(service):
    async with service.channel_of("service") as channel:
        yield ProjectionServiceStub(channel)


@pytest.fixture
async def started_job(insert_job, database):
    job = await insert_job()
    async with database.write() as conn:
        await projections.run_started(conn, job)
        await projections.metrics(conn, job, [MetricPoint(name="loss", split="train", value=1)])
    return job


async def test_projections_come_oldest_first_with_the_job_as_it_is_now(stub, started_job):
    page = await stub.ListProjections(messages.ListProjectionsRequest())

    assert [found.WhichOneof("projection") for found in page.projections] == [
        "run_started",
        "metrics",
    ]
    first, second = page.projections
    assert first.projection_id < second.projection_id
    assert first.job.job_id == started_job.id
    assert first.job.config.type_url.endswith("TrainRequest")
    assert second.metrics.points[0].key == "train_loss"


async def test_what_is_acknowledged_does_not_come_again(stub, started_job):
    page = await stub.ListProjections(messages.ListProjectionsRequest(page_size=1))
    done = [found.projection_id for found in page.projections]

    await stub.AcknowledgeProjections(messages.AcknowledgeProjectionsRequest(projection_ids=done))

    left = await stub.ListProjections(messages.ListProjectionsRequest())
    assert [found.WhichOneof("projection") for found in left.projections] == ["metrics"]


async def test_an_acknowledgement_never_touches_what_waits_for_the_broker(stub, database):
    async with database.write() as conn:
        await outbox.add(conn, subject="evt.x", payload=b"", message_id="1")
    async with database.read() as conn:
        ids = [row.id for row in await outbox.pending(conn, "nats", 10)]

    await stub.AcknowledgeProjections(messages.AcknowledgeProjectionsRequest(projection_ids=ids))

    async with database.read() as conn:
        assert len(await outbox.pending(conn, "nats", 10)) == 1


async def test_a_waiting_call_returns_when_something_comes(stub, insert_job, database):
    waiting = asyncio.ensure_future(stub.ListProjections(messages.ListProjectionsRequest()))
    job = await insert_job()

    async with database.write() as conn:
        await projections.run_started(conn, job)

    assert len((await waiting).projections) == 1


async def test_a_page_fits_into_a_message(stub, insert_job, database):
    job = await insert_job()
    points = [
        MetricPoint(name=f"loss{number}", split="train", value=1.0, step=number)
        for number in range(500)
    ]
    async with database.write() as conn:
        for _ in range(300):
            await projections.metrics(conn, job, points)

    page = await stub.ListProjections(messages.ListProjectionsRequest(page_size=1000))

    assert 0 < page.ByteSize() < 4 * 1024 * 1024


async def test_too_many_acknowledgements_are_refused(stub, refused):
    error = await refused(
        stub.AcknowledgeProjections(
            messages.AcknowledgeProjectionsRequest(projection_ids=range(1, 1002))
        )
    )

    assert (error.reason, error.field) == ("FIELD_INVALID", "projection_ids")


async def test_users_and_workers_get_no_projections(service, refused):
    for caller in ("ada", "worker"):
        async with service.channel_of(caller) as channel:
            stub = ProjectionServiceStub(channel)
            error = await refused(stub.ListProjections(messages.ListProjectionsRequest()))

            assert type(error).__name__ == "PermissionDenied"
