import pytest

from omniscope_service.events.nats import NatsBus
from omniscope_service.watch import JobWatcher
from tests.unit.omniscope_service.watch.stored_job import StoredJob


@pytest.fixture
async def bus(nats_url):
    bus = await NatsBus.connect(nats_url, "test")
    await bus.ensure_streams()
    yield bus
    await bus.close()


@pytest.fixture
def stored(bus):
    return StoredJob(bus)


@pytest.fixture
def watcher(stored, bus):
    return JobWatcher(stored, bus)
