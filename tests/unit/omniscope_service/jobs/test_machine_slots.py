"""Workers of one machine share its slots, also those of different services."""

import asyncio
import subprocess
import sys

import pytest

from omniscope.registry.v1.worker_service_pb2 import CompleteJobRequest
from omniscope_service import failpoints
from omniscope_service.jobs import machine_slots
from omniscope_service.jobs.machine_slots import MachineSlots

HOLD = """
import asyncio, sys
from pathlib import Path
from omniscope_service.jobs.machine_slots import MachineSlots

async def nothing():
    pass

async def hold():
    async with MachineSlots(Path(sys.argv[1]), 1).slot(asyncio.Event(), nothing) as acquired:
        print(acquired, flush=True)
        await asyncio.sleep(60)

asyncio.run(hold())
"""


async def nothing():
    pass


@pytest.fixture
def slots(tmp_path):
    return MachineSlots(tmp_path / "slots", 1)


@pytest.fixture
def stop():
    return asyncio.Event()


@pytest.fixture
def order():
    """Who has had a slot, in this order."""
    return []


async def occupy(slots, stop, order, name):
    async with slots.slot(stop, nothing) as acquired:
        assert acquired
        order.append(name)


async def turns():
    for _ in range(3):
        await asyncio.sleep(2 * machine_slots._LOOK_SECONDS)


async def test_the_second_waits_until_the_first_has_ended(slots, stop, order):
    async with slots.slot(stop, nothing):
        second = asyncio.create_task(occupy(slots, stop, order, "second"))
        await turns()
        assert order == []
    await second

    assert order == ["second"]


async def test_there_are_as_many_slots_as_were_asked_for(tmp_path, stop, order):
    slots = MachineSlots(tmp_path, 2)
    async with slots.slot(stop, nothing):
        async with slots.slot(stop, nothing):
            third = asyncio.create_task(occupy(slots, stop, order, "third"))
            await turns()
            assert order == []
        await third


async def test_without_a_limit_all_have_one(tmp_path, stop):
    slots = MachineSlots(tmp_path / "slots", 0)

    async with slots.slot(stop, nothing) as first, slots.slot(stop, nothing) as second:
        assert first
        assert second

    assert list(tmp_path.iterdir()) == []


async def test_who_has_had_a_slot_does_not_overtake_who_waits(slots, stop, order):
    async with slots.slot(stop, nothing):
        waiting = asyncio.create_task(occupy(slots, stop, order, "waiting"))
        await turns()
    again = asyncio.create_task(occupy(slots, stop, order, "again"))
    await asyncio.gather(waiting, again)

    assert order == ["waiting", "again"]


async def test_a_stop_ends_the_wait_without_a_slot(slots, stop):
    stopped = asyncio.Event()
    async with slots.slot(stop, nothing):
        asyncio.get_running_loop().call_soon(stopped.set)
        async with slots.slot(stopped, nothing) as acquired:
            assert not acquired


async def test_who_waits_is_told_so_once_before(slots, stop, order):
    async def tell():
        order.append("waits")

    async with slots.slot(stop, tell):
        assert order == []
        waiting = asyncio.create_task(_occupy_telling(slots, stop, tell))
        await turns()
        assert order == ["waits"]
    await waiting

    assert order == ["waits"]


async def _occupy_telling(slots, stop, tell):
    async with slots.slot(stop, tell):
        pass


async def test_a_worker_that_is_killed_leaves_its_slot(tmp_path, slots, stop, order):
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLD, tmp_path / "slots"), stdout=subprocess.PIPE
    )
    assert worker.stdout is not None
    assert await worker.stdout.readline() == b"True\n"
    waiting = asyncio.create_task(occupy(slots, stop, order, "waiting"))
    await turns()
    assert order == []

    worker.kill()
    await asyncio.gather(waiting, worker.wait())

    assert order == ["waiting"]


async def test_a_child_that_outlives_its_worker_holds_no_slot(slots, stop):
    async with slots.slot(stop, nothing):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "import time; time.sleep(60)"
        )

    async with slots.slot(stop, nothing) as acquired:
        assert acquired
        assert child.returncode is None
    child.kill()
    await child.wait()


async def test_jobs_of_two_services_train_one_after_the_other(scene):
    first, second = {"service": f"{scene.service}a"}, {"service": f"{scene.service}b"}
    async with (
        scene.working(machine_slots=1, **first),
        scene.working(machine_slots=1, **second),
    ):
        running = await scene.submit("wait", **first)
        await scene.registry.until_phase(running, "waiting")
        queued = await scene.submit("succeed", **second)
        await turns()
        assert scene.registry.claimed == [running]

        await scene.cancel(running)
        ended = await scene.registry.until_ended(queued)

    assert isinstance(ended, CompleteJobRequest)


async def test_a_worker_that_waits_for_its_machine_passes_the_hint_on(scene, stop, monkeypatch):
    fetched = asyncio.Event()

    async def reach(_name):
        fetched.set()

    async with scene.working(machine_slots=1):
        await scene.registry.until(
            lambda: scene.registry.claims
        )  # it waits for a hint from now on
        monkeypatch.setattr(failpoints, "reach", reach)
        async with MachineSlots(scene.home / "slots", 1).slot(stop, nothing):
            await scene.submit("succeed")
            await fetched.wait()

            assert await scene.bus.hints(scene.service, "cpu").fetch(5) is not None
            assert scene.registry.claimed == []


async def test_a_worker_that_stops_during_its_wait_gives_the_hint_back(scene, stop):
    async with MachineSlots(scene.home / "slots", 1).slot(stop, nothing):
        async with scene.working(machine_slots=1):
            await scene.submit("succeed")
            await turns()

        assert await scene.bus.hints(scene.service, "cpu").fetch(5) is not None
    assert scene.registry.claims == []
