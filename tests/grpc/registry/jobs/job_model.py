"""What becomes of jobs, said as simply as can be; what the stores do is compared with it.

It is written from the design, not from the code, and knows neither rows nor transactions.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LEASE = GRACE = HINT = 60.0  # seconds
ENDS = {
    "user_error": "failed",
    "out_of_memory": "failed",
    "cancelled": "cancelled",
    "deadline": "timed_out",
}
BUDGETS = {
    "crash": (("crash",), 2, "quarantined"),
    "stalled": (("stalled",), 2, "failed"),
    "infrastructure": (("infrastructure", "lost"), 6, "failed"),
    "lost": (("infrastructure", "lost"), 6, "failed"),
}


class RefusedError(Exception):
    """The call has to be refused for this reason."""


@dataclass
class Attempt:
    """A claim that was granted; without an outcome while it runs."""

    claim_id: str
    outcome: str | None = None
    reported: int = 0


@dataclass
class Job:
    """Times are seconds on the model's clock."""

    deadline: float | None
    queued: float
    due: float
    state: str = "queued"
    attempts: list[Attempt] = field(default_factory=list)
    lease_until: float = 0.0
    cancel_asked: float | None = None
    longest_delay: float = 0.0
    events: int = 1

    def become(self, state: str) -> None:
        self.state = state
        self.events += 1


class JobModel:
    """All jobs and the time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.jobs: dict[str, Job] = {}
        self.swept: float | None = None
        self.hinted: float | None = None
        self.hint_waits = False

    def submit(self, job_id: str, deadline_seconds: int) -> None:
        deadline = self.now + deadline_seconds if deadline_seconds else None
        self.jobs[job_id] = Job(deadline, self.now, self.now)
        self.hint_waits = True

    def claim(self, claim_id: str) -> tuple[str, int] | None:
        for job_id, job in self.jobs.items():
            if claim_id in [attempt.claim_id for attempt in job.attempts]:
                runs = job.state == "running" and job.attempts[-1].claim_id == claim_id
                return (job_id, len(job.attempts)) if runs else None
        for job_id, job in sorted(self.jobs.items()):
            if self._is_due(job) and (job.deadline is None or self.now < job.deadline):
                job.attempts.append(Attempt(claim_id))
                job.become("running")
                job.lease_until = self.now + LEASE
                return job_id, len(job.attempts)
        return None

    def beat(self, job_id: str, attempt: int) -> tuple[bool, float | None]:
        job = self._held(job_id, attempt)
        job.lease_until = self.now + LEASE
        left = None if job.deadline is None else max(job.deadline - self.now, 0.0)
        return job.cancel_asked is not None, left

    def report(self, job_id: str, attempt: int, number: int) -> int:
        job = self._held(job_id, attempt)
        running = job.attempts[-1]
        if number > running.reported + 1:
            raise RefusedError("EVENT_SEQUENCE_GAP")
        if number == running.reported + 1:
            running.reported += 1
            job.events += 1
        return running.reported

    def complete(self, job_id: str, attempt: int) -> None:
        if self._attempt(job_id, attempt).outcome != "succeeded":
            job = self._held(job_id, attempt)
            job.attempts[-1].outcome = "succeeded"
            job.become("succeeded")

    def fail(self, job_id: str, attempt: int, cause: str) -> str:
        job = self.jobs[job_id]
        if self._attempt(job_id, attempt).outcome == cause:
            return "queued" if job.state == "running" else job.state
        self._held(job_id, attempt)
        if cause == "cancelled" and job.cancel_asked is None:
            raise RefusedError("CAUSE_INVALID")
        self._end_attempt(job, cause)
        return job.state

    def cancel(self, job_id: str) -> str:
        job = self.jobs[job_id]
        if job.state in ("succeeded", "failed", "timed_out", "quarantined"):
            raise RefusedError("JOB_NOT_CANCELLABLE")
        if job.state != "cancelled" and job.cancel_asked is None:
            job.cancel_asked = self.now
            job.become("cancelled" if job.state == "queued" else "running")
        return job.state

    def reap(self, *, grace: bool) -> int:
        return self._end_all("lost", lambda job: self._is_lost(job, grace=grace))

    def enforce_deadlines(self) -> int:
        in_line = [job for job in self.jobs.values() if self._is_late_in_line(job)]
        for job in in_line:
            job.become("timed_out")
        return len(in_line) + self._end_all("deadline", self._is_late_running)

    def sweep(self) -> int:
        due = [job for job in self.jobs.values() if self._is_due(job)]
        hints = any(self._was_delayed_until_now(job) for job in due) or self._waits_long(due)
        self.swept = self.now
        self.hinted = (self.now if hints else self.hinted) if due else None
        says_more = hints and not self.hint_waits
        self.hint_waits |= hints
        return int(says_more)

    def deliver(self) -> None:
        self.hint_waits = False

    def _attempt(self, job_id: str, attempt: int) -> Attempt:
        return self.jobs[job_id].attempts[attempt - 1]

    def _held(self, job_id: str, attempt: int) -> Job:
        job = self.jobs[job_id]
        if job.state != "running" or attempt != len(job.attempts):
            raise RefusedError("STALE_ATTEMPT")
        return job

    def _end_all(self, cause: str, over) -> int:
        ended = [job for job in self.jobs.values() if job.state == "running" and over(job)]
        for job in ended:
            self._end_attempt(job, cause)
        return len(ended)

    def _end_attempt(self, job: Job, cause: str) -> None:
        job.attempts[-1].outcome = cause
        counted, limit, then = BUDGETS.get(cause, ((), 1, ""))
        failures = sum(attempt.outcome in counted for attempt in job.attempts)
        if cause in ENDS:
            return job.become(ENDS[cause])
        if job.cancel_asked is not None:
            return job.become("cancelled")
        if failures >= limit:
            return job.become(then)
        waits = cause == "infrastructure"
        job.longest_delay = min(5.0 * 2 ** (failures - 1), 600.0) if waits else 0.0
        job.due = job.queued = self.now
        self.hint_waits |= not waits
        return job.become("queued")

    def _is_lost(self, job: Job, *, grace: bool) -> bool:
        disobeyed = job.cancel_asked is not None and job.cancel_asked < self.now - GRACE
        return disobeyed or (job.lease_until < self.now and not grace)

    def _is_late_in_line(self, job: Job) -> bool:
        return job.state == "queued" and job.deadline is not None and job.deadline <= self.now

    def _is_late_running(self, job: Job) -> bool:
        return job.deadline is not None and job.deadline <= self.now - GRACE

    def _is_due(self, job: Job) -> bool:
        return job.state == "queued" and job.due <= self.now

    def _was_delayed_until_now(self, job: Job) -> bool:
        return job.queued < job.due and self.swept is not None and self.swept < job.due

    def _waits_long(self, due: list[Job]) -> bool:
        if not due or self.swept is None:
            return bool(due)
        oldest = min(job.due for job in due)
        return max(oldest, oldest if self.hinted is None else self.hinted) <= self.now - HINT
