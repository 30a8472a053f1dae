"""Workers find what waits by hints, which name no job, and by claims; training is played."""

import asyncio
import uuid
from collections import Counter
from contextlib import asynccontextmanager

import pytest

from omniscope_registry.jobs.domain import JobTimes
from omniscope_registry.jobs.loops.sweeper import Sweeper
from omniscope_registry.settings import RegistrySettings
from omniscope_service.events import subjects
from omniscope_service.jobs.worker import Worker, WorkerDefinition
from omniscope_service.registry_client import RegistryClient
from tests.grpc.registry.jobs.test_healing import AT_ONCE, delivered


@pytest.fixture
def settings(home) -> RegistrySettings:
    """No sweep helps: what the tests show, hints and claims do alone."""
    return RegistrySettings(home=home, sweep_seconds=3600)


class Machines:
    """Workers on any number of machines; each job is over as soon as `over` is set.

    Attributes:
        started: The jobs of all workers, in the order of their starts.
        over: Clear it to have trainings go on.
        seconds: How long a training takes besides.
    """

    def __init__(self, client, bus, artifacts, home, monkeypatch):
        self.started = []
        self.over = asyncio.Event()
        self.over.set()
        self.seconds = 0.0
        self._client, self._bus, self._artifacts, self._home = client, bus, artifacts, home
        self._changed = asyncio.Condition()
        monkeypatch.setattr(Worker, "_run", lambda worker, grant, _stop: self._train(grant))

    @asynccontextmanager
    async def working(self, service, *, machine="one", slots=1, machine_slots=0):
        definition = WorkerDefinition(service, "cpu", slots, "no_trainer", lambda _: {}, {})
        worker = Worker(
            definition,
            self._client,
            self._bus,
            self._artifacts,
            self._home / machine,
            child_memory_bytes=2**30,
            machine_slots=machine_slots,
        )
        stop = asyncio.Event()
        running = asyncio.create_task(worker.run(stop))
        try:
            yield
        finally:
            stop.set()
            await running

    async def until(self, condition):
        async with self._changed:
            await self._changed.wait_for(condition)

    async def _train(self, grant):
        async with self._changed:
            self.started.append(grant.job)
            self._changed.notify_all()
        await self.over.wait()
        await asyncio.sleep(self.seconds)


@pytest.fixture
async def machines(registry, bus, artifacts, home, monkeypatch):
    async with RegistryClient(registry.target, "worker") as client:
        yield Machines(client, bus, artifacts, home, monkeypatch)


@pytest.fixture
def service():
    """A service of its own for each test: all share a broker."""
    return f"s{uuid.uuid4().hex}"


async def _submit(registry, service, count):
    return [(await registry.submit(service=service)).job_id for _ in range(count)]


async def test_a_hundred_jobs_start_on_four_workers_without_a_sweep(registry, machines, service):
    async with asyncio.TaskGroup() as group:
        stop = asyncio.Event()

        async def work(machine):
            async with machines.working(service, machine=machine):
                await stop.wait()

        for machine in ("one", "two", "three", "four"):
            group.create_task(work(machine))
        jobs = await _submit(registry, service, 100)
        await machines.until(lambda: len(machines.started) == 100)
        stop.set()

    assert sorted(job.job_id for job in machines.started) == sorted(jobs)


async def test_one_hint_wakes_every_idle_slot_that_there_is_work_for(registry, machines, service):
    machines.over.clear()
    async with (
        machines.working(service, slots=2),
        machines.working(service, machine="two"),
        machines.working(service, machine="three"),
    ):
        await _submit(registry, service, 4)

        await machines.until(lambda: len(machines.started) == 4)
        machines.over.set()


async def test_a_hint_is_removed_once_nothing_is_due(registry, machines, bus, service):
    async with machines.working(service), machines.working(service, machine="two"):
        await _submit(registry, service, 10)
        await machines.until(lambda: len(machines.started) == 10)

        subject = subjects.run_hint(service, "cpu")
        while (await _hints(bus, subject)) > 0:  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.05)


async def _hints(bus, subject):
    info = await bus._jetstream.stream_info(subjects.JOBS_STREAM, subjects_filter=subject)
    return (info.state.subjects or {}).get(subject, 0)


@pytest.mark.parametrize("healed_by", ["a sweep", "the broker"])
async def test_a_hint_that_is_lost_between_fetch_and_claim_costs_time_only(
    registry, machines, database, bus, service, monkeypatch, healed_by
):
    if healed_by == "the broker":
        monkeypatch.setattr("omniscope_service.events.hints._ACK_WAIT_SECONDS", 1)
    monkeypatch.setattr("omniscope_service.jobs.worker._FETCH_SECONDS", 0.25)
    async with machines.working(service):
        lost = asyncio.create_task(bus.hints(service, "cpu").fetch(20))
        await asyncio.sleep(1)  # now it waits for longer than the worker, and gets the first one
        (job_id,) = await _submit(registry, service, 1)
        assert await lost is not None
        await delivered(database)

        if healed_by == "a sweep":
            await Sweeper(database, JobTimes()).sweep()
        await machines.until(lambda: machines.started)

    assert machines.started[0].job_id == job_id


@pytest.mark.slow
async def test_two_services_on_one_machine_take_turns(registry, machines, service):
    first, second = f"{service}a", f"{service}b"
    machines.seconds = 0.3  # longer than a slot that waits looks away
    for each in (first, second):
        await _submit(registry, each, 6)
    async with (
        machines.working(first, machine_slots=1, slots=2),
        machines.working(second, machine_slots=1, slots=2),
    ):
        await machines.until(lambda: len(machines.started) == 12)

    turns = Counter(job.service for job in machines.started[:6])
    assert min(turns[first], turns[second]) >= 2


async def test_a_worker_that_waits_for_its_machine_holds_no_hint(registry, machines, service):
    machines.over.clear()
    busy = f"{service}-busy"
    async with (
        machines.working(busy, machine_slots=1),
        machines.working(service, machine_slots=1),
    ):
        await _submit(registry, busy, 1)
        await machines.until(lambda: len(machines.started) == 1)
        (job_id,) = await _submit(registry, service, 1)
        await asyncio.sleep(0.5)  # the worker of the busy machine has fetched the hint
        async with machines.working(service, machine="idle", machine_slots=1):
            await machines.until(lambda: len(machines.started) == 2)
            (next_id,) = await _submit(registry, service, 1)
            machines.over.set()
            await machines.until(lambda: len(machines.started) == 3)

    assert [job.job_id for job in machines.started[1:]] == [job_id, next_id]


async def test_sweeps_hint_no_class_whose_jobs_start_in_time(
    registry, database, machines, service
):
    sweeper = Sweeper(database, AT_ONCE)
    async with machines.working(service):
        await _submit(registry, service, 3)
        await machines.until(lambda: len(machines.started) == 3)

        assert await sweeper.sweep() == 0
