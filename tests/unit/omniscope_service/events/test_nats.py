import asyncio
import socket
import subprocess

import pytest
from ulid import ULID

from omniscope.events.v1.run_hint_pb2 import RunHint
from omniscope_local.nats import binary
from omniscope_service.errors import Unavailable
from omniscope_service.events import subjects
from omniscope_service.events.nats import NatsBus


def new_id():
    return str(ULID())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def hint(bus, service, job_id):
    data = RunHint(version=1, job_id=job_id, nudge=1).SerializeToString()
    await bus.publish(subjects.run_hint(service, "cpu"), data, message_id=f"run:{job_id}:1:1")


async def until(condition):
    while not condition():  # noqa: ASYNC110 - the bus tells nobody
        await asyncio.sleep(0.01)


async def test_a_subscriber_gets_what_is_published_after_it_subscribed(bus):
    job = new_id()
    async with bus.subscribe(subjects.ALL_JOB_EVENTS) as messages:
        await bus.publish(subjects.job_event(job, "metric"), b"1", message_id=f"{job}:1")
        await bus.publish(subjects.job_event(job, "log_line"), b"2", message_id=f"{job}:2")

        received = [await anext(messages), await anext(messages)]

    assert [message.data for message in received] == [b"1", b"2"]
    assert received[0].subject == f"evt.job.{job}.metric"


async def test_a_notification_reaches_who_listens_and_is_not_stored(bus):
    subject = subjects.control(new_id())
    await bus.notify(subject, b"nobody")

    async with bus.subscribe(subject) as messages:
        await bus.notify(subject, b"somebody")

        assert (await anext(messages)).data == b"somebody"


async def test_a_repeated_message_id_stores_one_hint(bus):
    job = new_id()
    hints = bus.hints("repeated", "cpu")
    await hint(bus, "repeated", job)
    await hint(bus, "repeated", job)

    found = await hints.fetch(20)
    await found.ack()

    assert found.job_id == job
    assert await hints.fetch(0.2) is None


async def test_two_workers_share_the_hints(bus):
    first, second = bus.hints("two-workers", "cpu"), bus.hints("two-workers", "cpu")
    jobs = {new_id(), new_id()}
    for job in jobs:
        await hint(bus, "two-workers", job)

    found = [await first.fetch(20), await second.fetch(20)]
    for each in found:
        await each.ack()

    assert {each.job_id for each in found} == jobs


async def test_a_hint_that_was_not_taken_comes_again_after_the_delay(bus):
    job = new_id()
    hints = bus.hints("later", "cpu")
    await hint(bus, "later", job)

    await (await hints.fetch(20)).nak(0.1)
    again = await hints.fetch(20)
    await again.ack()

    assert again.job_id == job


async def test_a_hint_that_is_kept_does_not_come_again(bus, monkeypatch):
    monkeypatch.setattr("omniscope_service.events.hints._ACK_WAIT_SECONDS", 1)
    job = new_id()
    hints = bus.hints("kept", "cpu")
    await hint(bus, "kept", job)
    kept = await hints.fetch(20)

    for _ in range(6):
        await kept.in_progress()
        assert await hints.fetch(0.3) is None

    again = await hints.fetch(20)  # not kept any longer
    await again.ack()
    assert again.job_id == job


async def test_a_malformed_hint_is_removed_and_the_next_one_comes(bus):
    job = new_id()
    hints = bus.hints("malformed", "cpu")
    await bus.publish(subjects.run_hint("malformed", "cpu"), b"\xff\xff", message_id=new_id())
    await hint(bus, "malformed", job)

    assert await hints.fetch(20) is None
    found = await hints.fetch(20)
    await found.ack()

    assert found.job_id == job


async def test_a_lost_consumer_is_made_again(bus):
    job = new_id()
    hints = bus.hints("lost", "cpu")
    assert await hints.fetch(0.1) is None
    await bus._jetstream.delete_consumer(subjects.JOBS_STREAM, "lost-cpu")
    await hint(bus, "lost", job)

    found = None
    while found is None:
        found = await hints.fetch(0.2)
    await found.ack()

    assert found.job_id == job


async def test_streams_that_exist_are_brought_up_to_date(bus):
    config = (await bus._jetstream.stream_info(subjects.EVENTS_STREAM)).config
    await bus._jetstream.update_stream(config.evolve(max_msgs_per_subject=7))

    await bus.ensure_streams()

    info = await bus._jetstream.stream_info(subjects.EVENTS_STREAM)
    assert info.config.max_msgs_per_subject == 1000


def start_broker(store, port):
    store.mkdir()
    command = [binary(), "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", store]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


async def publish_when_possible(bus, subject, data):
    while True:
        try:
            return await bus.publish(subject, data, message_id=new_id())
        except Unavailable:
            await asyncio.sleep(0.05)


async def test_a_broker_that_returns_empty_gets_its_streams_and_subscribers_back(tmp_path):
    port = free_port()
    broker = start_broker(tmp_path / "first", port)
    bus = await NatsBus.connect(f"nats://127.0.0.1:{port}", "test")
    await bus.ensure_streams()
    subject = subjects.job_event(new_id(), "metric")
    async with bus.subscribe(subjects.ALL_JOB_EVENTS) as messages:
        broker.kill()
        broker.wait()
        await until(lambda: not bus.healthy)
        with pytest.raises(Unavailable) as caught:
            await bus.publish(subject, b"lost", message_id=new_id())

        broker = start_broker(tmp_path / "second", port)
        await publish_when_possible(bus, subject, b"again")

        assert (await anext(messages)).data == b"again"
    await bus.close()
    broker.kill()
    broker.wait()
    assert caught.value.reason == "BROKER_UNAVAILABLE"


async def test_a_bus_starts_without_a_broker_and_refuses_to_publish():
    bus = await NatsBus.connect(f"nats://127.0.0.1:{free_port()}", "test", patience_seconds=0.1)

    assert not bus.healthy
    with pytest.raises(Unavailable, match="not connected"):
        await bus.notify(subjects.control(new_id()), b"")
    await bus.close()


async def test_a_bus_that_started_without_a_broker_finds_it_later(tmp_path):
    port = free_port()
    bus = await NatsBus.connect(f"nats://127.0.0.1:{port}", "test", patience_seconds=0.1)
    await bus.ensure_streams()
    broker = start_broker(tmp_path / "store", port)
    subject = subjects.job_event(new_id(), "metric")

    async with bus.subscribe(subject) as messages:
        await publish_when_possible(bus, subject, b"found")

        assert (await anext(messages)).data == b"found"
    await bus.close()
    broker.kill()
    broker.wait()
