import pytest

from omniscope_service.events.nats import NatsBus


@pytest.fixture
async def bus(nats_url):
    bus = await NatsBus.connect(nats_url, "test")
    await bus.ensure_streams()
    yield bus
    await bus.close()
