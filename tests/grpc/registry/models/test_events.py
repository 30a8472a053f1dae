"""What happens to models reaches whoever listens on a real broker, in order, at least once."""

import asyncio

import pytest

from omniscope.events.v1.model_event_pb2 import ModelEvent, ModelEventType
from omniscope.registry.v1 import model_service_pb2 as messages
from omniscope_registry.relay import Relay
from omniscope_service.events import subjects
from omniscope_service.events.nats import NatsBus


@pytest.fixture
async def bus(nats_url):
    bus = await NatsBus.connect(nats_url, "test")
    await bus.ensure_streams()
    yield bus
    await bus.close()


@pytest.fixture
async def relaying(database, bus):
    task = asyncio.create_task(Relay(database, bus).run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_services_hear_of_every_change_of_a_model(bus, stub, register, relaying):
    async with bus.subscribe(subjects.ALL_MODEL_EVENTS) as heard:
        model_id = await register()
        await stub.SetAlias(messages.SetAliasRequest(model_id=model_id, alias="best"))
        await stub.DeleteAlias(messages.DeleteAliasRequest(model_id=model_id, alias="best"))
        # Twice within the window in which the broker drops repetitions.
        for _ in range(2):
            await stub.DeleteModel(messages.DeleteModelRequest(model_id=model_id))
            await stub.UndeleteModel(messages.UndeleteModelRequest(model_id=model_id))

        received = [await anext(heard) for _ in range(7)]

    kinds = ["registered", *["alias_changed"] * 2, *["deleted", "undeleted"] * 2]
    assert [message.subject for message in received] == [
        f"evt.model.{model_id}.{kind}" for kind in kinds
    ]
    events = [ModelEvent.FromString(message.data) for message in received]
    types = [ModelEventType.Name(event.type) for event in events]
    assert types == [f"MODEL_EVENT_TYPE_{kind.upper()}" for kind in kinds]
    assert {event.model_id for event in events} == {model_id}
    assert [event.alias for event in events] == ["", "best", "best", "", "", "", ""]
