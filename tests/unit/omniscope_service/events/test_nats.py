import asyncio
import socket
import subprocess

import pytest
from nats.js import api
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


async def hint(bus, service):
    data = RunHint(version=1).SerializeToString()
    await bus.publish(subjects.run_hint(service, "cpu"), data, message_id=f"run:{new_id()}")


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


async def test_a_repeated_message_id_stores_one_message(bus):
    subject = subjects.job_event(new_id(), "metric")
    async with bus.subscribe(subject) as messages:
        for _ in range(2):
            await bus.publish(subject, b"1", message_id="repeated")
        await bus.publish(subject, b"2", message_id="another")
        received = [(await anext(messages)).data for _ in range(3)]

    info = await bus._jetstream.stream_info(subjects.EVENTS_STREAM, subjects_filter=subject)
    assert received == [b"1", b"1", b"2"]  # who listens hears both
    assert info.state.subjects == {subject: 2}


async def test_two_workers_get_a_hint_one_after_the_other(bus):
    first, second = bus.hints("two-workers", "cpu"), bus.hints("two-workers", "cpu")
    await hint(bus, "two-workers")

    found = await first.fetch(20)
    assert await second.fetch(0.2) is None
    await found.pass_on()
    passed_on = await second.fetch(20)
    await passed_on.ack()

    assert await first.fetch(0.2) is None


async def test_of_many_hints_of_a_class_the_newest_is_there(bus):
    hints = bus.hints("many", "cpu")
    for _ in range(50):
        await hint(bus, "many")

    await (await hints.fetch(20)).ack()

    assert await hints.fetch(0.2) is None


async def test_a_hint_that_comes_while_one_is_held_is_another_one(bus):
    hints = bus.hints("newer", "cpu")
    await hint(bus, "newer")
    held = await hints.fetch(20)
    await hint(bus, "newer")

    newer = await hints.fetch(20)
    await held.ack()
    await newer.pass_on()

    assert await hints.fetch(20) is not None


async def test_a_hint_that_was_passed_on_comes_again_after_the_delay(bus):
    hints = bus.hints("later", "cpu")
    await hint(bus, "later")

    await (await hints.fetch(20)).pass_on(0.1)

    assert await hints.fetch(20) is not None


async def test_a_hint_whose_worker_is_gone_comes_again(bus, monkeypatch):
    monkeypatch.setattr("omniscope_service.events.hints._ACK_WAIT_SECONDS", 1)
    hints = bus.hints("gone", "cpu")
    await hint(bus, "gone")
    await hints.fetch(20)

    assert await hints.fetch(20) is not None


async def test_the_first_word_about_a_hint_counts(bus):
    hints = bus.hints("settled", "cpu")
    await hint(bus, "settled")
    found = await hints.fetch(20)

    await found.pass_on()
    await found.ack()

    assert await hints.fetch(20) is not None


async def test_hints_of_an_older_stream_are_reduced_to_the_newest(bus):
    config = (await bus._jetstream.stream_info(subjects.JOBS_STREAM)).config
    old = config.evolve(discard=api.DiscardPolicy.NEW, max_msgs_per_subject=-1, max_bytes=2**28)
    await bus._jetstream.update_stream(old)
    for _ in range(5):
        await hint(bus, "older")

    await bus.ensure_streams()

    subject = subjects.run_hint("older", "cpu")
    info = await bus._jetstream.stream_info(subjects.JOBS_STREAM, subjects_filter=subject)
    assert info.config.discard == api.DiscardPolicy.OLD.value
    assert info.state.subjects == {subject: 1}


async def test_a_lost_consumer_is_made_again(bus):
    hints = bus.hints("lost", "cpu")
    assert await hints.fetch(0.1) is None
    await bus._jetstream.delete_consumer(subjects.JOBS_STREAM, "lost-cpu")
    await hint(bus, "lost")

    found = None
    while found is None:
        found = await hints.fetch(0.2)
    await found.ack()


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
