"""Everything that can happen to jobs, done to the stores and to the model alike."""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from sqlalchemy import delete

from omniscope.common.v1.job_event_pb2 import JobEvent
from omniscope_registry.jobs.loops.deadlines import DeadlineEnforcer
from omniscope_registry.jobs.loops.reaper import Reaper
from omniscope_registry.jobs.loops.sweeper import Sweeper
from omniscope_registry.tables.jobs import job_attempts, job_events, outbox, training_jobs
from omniscope_registry.tables.models import ml_models
from omniscope_service.errors import ServiceError
from omniscope_service.watch import is_terminal
from tests.grpc.registry.jobs.job_model import LEASE, JobModel, RefusedError
from tests.grpc.registry.jobs.job_stores import START, TIMES, Held, JobStores, StandingDatabase
from tests.grpc.registry.jobs.wall_clock import WallClock

CAUSES = [
    "user_error", "out_of_memory", "crash", "infrastructure", "preempted", "cancelled",
    "deadline", "stalled",
]  # fmt: skip
# Times that meet the lease, the grace and the deadlines exactly, and miss them.
SPANS = [1, 5, 30, 60, 61, 300]
DEADLINES = st.sampled_from([0, 90, 360])
TICK = 5.0
MOST_JOBS = 4

OpenDatabase = Callable[[Path], Awaitable[StandingDatabase]]


class JobMachine(RuleBasedStateMachine):
    """Does the same to the stores and to the model, and compares after every step."""

    jobs: Bundle[str] = Bundle("jobs")
    held: Bundle[Held] = Bundle("held")

    def __init__(self, open_database: OpenDatabase) -> None:
        super().__init__()
        self.model = JobModel()
        self.requests: dict[str, str] = {}
        self.granted: dict[tuple[str, int], Held] = {}
        self.models: dict[str, str] = {}
        self.claims = 0
        self.worn_out = False
        self.patch = pytest.MonkeyPatch()
        self.wall = WallClock(self.patch)
        self.folder = Path(tempfile.mkdtemp(prefix="omniscope-jobs-"))
        self.runner = asyncio.Runner()
        self.database = self.runner.run(_opened(open_database, self.folder))
        self.stores = self.runner.run(JobStores.open(self.database, self.folder))
        self.reaper = self.runner.run(self._awake_reaper())
        self.sweeper = Sweeper(self.database, TIMES)

    @initialize(target=held, deadline_seconds=DEADLINES)
    def first_attempt(self, deadline_seconds: int) -> Any:
        self._submit(deadline_seconds)
        return self._claim()

    @precondition(lambda self: len(self.requests) < MOST_JOBS)
    @rule(target=jobs, deadline_seconds=DEADLINES)
    def submit(self, deadline_seconds: int) -> str:
        return self._submit(deadline_seconds)

    @rule(job=jobs, payload=st.sampled_from(["the same", "another"]))
    def submit_again(self, job: str, payload: str) -> None:
        def expected() -> str:
            if payload != "the same":
                raise RefusedError("REQUEST_ID_REUSED")
            return job

        self._both(expected, self.stores.submit(self.requests[job], payload))

    @rule(target=held)
    def claim(self) -> Any:
        return self._claim() or multiple()

    @rule(target=held, held=held)
    def claim_again(self, held: Held) -> Any:
        return self._claim(held.claim_id) or multiple()

    @rule(held=held)
    def beat(self, held: Held) -> None:
        wanted = self._both(
            lambda: self.model.beat(*_key(held)),
            self.stores.attempts.heartbeat(held.lease),
            of=lambda wanted: (wanted.cancel, _seconds(wanted.deadline_in)),
        )
        assert wanted is None or self._valid_leases(held.lease.job_id) == 1

    @rule(held=held)
    def report(self, held: Held) -> None:
        """Report the next event, repeat it, and leave one out."""
        job_id, attempt = _key(held)
        number = self.model.jobs[job_id].attempts[attempt - 1].reported + 1
        for reported in (number, number, number + 2):
            self._both(
                partial(self.model.report, job_id, attempt, reported),
                self.stores.report(held.lease, reported),
            )

    @rule(held=held)
    def complete(self, held: Held) -> None:
        model_id = self._both(
            lambda: self.model.complete(*_key(held)), self.stores.complete(held), of=lambda _: None
        )
        if model_id:
            assert self.models.setdefault(held.lease.job_id, model_id) == model_id

    @rule(held=held, cause=st.sampled_from(CAUSES), again=st.sampled_from(CAUSES))
    def fail(self, held: Held, cause: str, again: str) -> None:
        self._fail(held, cause)
        self._fail(held, again)
        self._fail(held, cause)

    @precondition(lambda self: not self.worn_out)
    @rule()
    def wear_out(self) -> None:
        """For each way to fail, let attempt after attempt of a job do so until none follows."""
        self.worn_out = True  # once is enough, for it takes long
        for cause in ("crash", "stalled", "infrastructure", "lost"):
            job = self._submit(0)
            while held := self._claim_job(job):
                if cause == "lost":
                    self._expire()
                else:
                    self._fail(held, cause)
                    self.deliver()
                    self._pass_until(max(self.model.now, self.model.jobs[job].due))
                    self.tend("sweep")

    @rule(target=held, cancelled=st.booleans())
    def disobey(self, cancelled: bool) -> Any:
        """Go on as if the job were neither cancelled nor past its deadline."""
        job = self._submit(0 if cancelled else 90)
        held = self._claim_job(job)
        assert held is not None
        if cancelled:
            self.cancel(job)
        for _ in range(5):
            self._pass(30)
            self.beat(held)
            self.tend("enforce_deadlines")
            self.tend("reap")
        return held

    @rule(held=held)
    def forge(self, held: Held) -> None:
        """Call with the token of another attempt."""
        forged = replace(held.lease, token="0" * 32)
        for call in (
            self.stores.attempts.heartbeat(forged),
            self.stores.report(forged, 1),
            self.stores.complete(held, forged),
            self.stores.fail(forged, "crash"),
        ):
            self._both(_refuse_stale, call)

    @rule(job=jobs)
    def cancel(self, job: str) -> None:
        for _ in range(2):
            self._both(lambda: self.model.cancel(job), self.stores.cancel(job))

    @rule(seconds=st.sampled_from(SPANS))
    def wait(self, seconds: int) -> None:
        self._pass(seconds)

    @rule(held=consumes(held))
    def crash(self, held: Held) -> None:
        """Forget a lease; once it has run out, the job is there for another worker."""
        self._expire()
        self._claim_job(held.lease.job_id)

    @rule(task=st.sampled_from(["reap", "reap_after_an_outage", "enforce_deadlines", "sweep"]))
    def tend(self, task: str) -> None:
        """Do what the registry does every few seconds, or does once it is back."""
        fresh = Reaper(self.database, TIMES)
        expected, actual = {
            "reap": (lambda: self.model.reap(grace=False), self.reaper.reap),
            "reap_after_an_outage": (lambda: self.model.reap(grace=True), fresh.reap),
            "enforce_deadlines": (
                self.model.enforce_deadlines, DeadlineEnforcer(self.database, TIMES).enforce
            ),
            "sweep": (self.model.sweep, self.sweeper.sweep),
        }[task]  # fmt: skip
        self._both(expected, actual())

    @rule()
    def deliver(self) -> None:
        """Have the broker take every hint."""
        self.model.deliver()
        self.runner.run(self._empty_outbox())

    @rule(hours=st.sampled_from([-1, 1]))
    def jump(self, hours: int) -> None:
        """Step the registry's wall clock, which must not matter."""
        self.wall.ahead += timedelta(hours=hours)

    @invariant()
    def the_rows_are_as_the_model_says(self) -> None:
        rows = self.runner.run(self.stores.rows(training_jobs))
        assert {row.id: _of_row(row) for row in rows} == {
            job_id: (job.state, len(job.attempts), job.events, job.cancel_asked)
            for job_id, job in self.model.jobs.items()
        }

    @invariant()
    def every_attempt_has_its_one_outcome(self) -> None:
        rows = self.runner.run(self.stores.rows(job_attempts))
        assert [(row.job_id, row.attempt, row.outcome) for row in rows] == [
            (job_id, number, attempt.outcome)
            for job_id, job in sorted(self.model.jobs.items())
            for number, attempt in enumerate(job.attempts, start=1)
        ]

    def teardown(self) -> None:
        try:
            for job_id, job in self.model.jobs.items():
                self._check_journal(job_id)
                assert self._valid_leases(job_id) == (job.state == "running")
                models = self.runner.run(self.stores.rows(ml_models, ml_models.c.job_id == job_id))
                known = [self.models[job_id]] if job.state == "succeeded" else []
                assert [model.id for model in models] == known
        finally:
            self.runner.run(self.database.close())
            self.runner.close()
            self.patch.undo()
            shutil.rmtree(self.folder)

    def _submit(self, deadline_seconds: int) -> str:
        request_id = f"request-{len(self.requests) + 1}"
        submitted = self.stores.submit(request_id, "the same", deadline_seconds)
        job_id = self.runner.run(submitted)
        self.model.submit(job_id, deadline_seconds)
        self.requests[job_id] = request_id
        return job_id

    def _claim_job(self, job_id: str) -> Held | None:
        """Claim what waits, up to a job."""
        while (held := self._claim()) and held.lease.job_id != job_id:
            pass
        return held

    def _claim(self, claim_id: str = "") -> Held | None:
        self.claims += 1
        claim_id = claim_id or f"claim-{self.claims}"
        granted: Held | None = self._both(
            lambda: self.model.claim(claim_id),
            self.stores.claim(claim_id),
            of=lambda held: held and _key(held),
        )
        if granted is not None:
            assert self.granted.setdefault(_key(granted), granted) == granted
        return granted

    def _fail(self, held: Held, cause: str) -> None:
        self._both(
            lambda: self.model.fail(*_key(held), cause), self.stores.fail(held.lease, cause)
        )
        job = self.model.jobs[held.lease.job_id]
        if job.longest_delay:
            row = self.runner.run(self.stores.job(held.lease.job_id))
            job.due = (row.run_after - START).total_seconds()
            assert self.model.now <= job.due <= self.model.now + job.longest_delay
            job.longest_delay = 0

    def _expire(self) -> None:
        """Let every lease run out, and every wait for another attempt end."""
        for seconds in (LEASE, 1):
            self._pass(seconds)
            self.tend("reap")

    def _pass(self, seconds: float) -> None:
        self._pass_until(self.model.now + seconds)

    def _pass_until(self, moment: float) -> None:
        self.model.now = self.database.seconds = moment

    def _both(
        self,
        expected: Callable[[], Any],
        actual: Coroutine[Any, Any, Any],
        of: Callable[[Any], Any] = lambda answer: answer,
    ) -> Any:
        """Compare two answers, or the reasons of two refusals; return the answer."""
        answer, reason = self.runner.run(_settled(actual))
        comparable = None if reason else of(answer)
        assert (comparable, reason) == self._expected(expected)
        return answer

    @staticmethod
    def _expected(call: Callable[[], Any]) -> tuple[Any, str | None]:
        try:
            return call(), None
        except RefusedError as refused:
            return None, str(refused)

    def _valid_leases(self, job_id: str) -> int:
        """Count the leases that were ever granted for a job and can still write."""
        leases = [held.lease for held in self.granted.values() if held.lease.job_id == job_id]
        calls = [_settled(self.stores.attempts.running(lease)) for lease in leases]
        reasons = [self.runner.run(call)[1] for call in calls]
        assert {*reasons} <= {None, "STALE_ATTEMPT"}
        return reasons.count(None)

    def _check_journal(self, job_id: str) -> None:
        rows = self.runner.run(self.stores.rows(job_events, job_events.c.job_id == job_id))
        job = self.model.jobs[job_id]
        assert [row.sequence for row in rows] == list(range(1, job.events + 1))
        ends = [row.sequence for row in rows if is_terminal(JobEvent.FromString(row.payload))]
        ended = job.state not in ("queued", "running")
        assert ends == ([job.events] if ended else [])

    async def _awake_reaper(self) -> Reaper:
        """Return a reaper that has been there for so long that its grace is over."""
        clock = {"seconds": 0.0}
        reaper = Reaper(self.database, TIMES, lambda: clock["seconds"])
        while clock["seconds"] < LEASE:
            clock["seconds"] += TICK
            await reaper.reap()
        return reaper

    async def _empty_outbox(self) -> None:
        async with self.database.write() as conn:
            await conn.execute(delete(outbox))


async def _opened(open_database: OpenDatabase, folder: Path) -> StandingDatabase:
    return await open_database(folder)


async def _settled(call: Coroutine[Any, Any, Any]) -> tuple[Any, str | None]:
    """Return the answer of a call, or the reason why it was refused."""
    try:
        return await call, None
    except ServiceError as error:
        return None, error.reason


def _refuse_stale() -> None:
    raise RefusedError("STALE_ATTEMPT")


def _key(held: Held) -> tuple[str, int]:
    return held.lease.job_id, held.lease.attempt


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _of_row(row: Any) -> tuple[Any, ...]:
    asked = row.cancel_requested_at
    return row.status, row.attempt, row.last_sequence, _seconds(asked and asked - START)
