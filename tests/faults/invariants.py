"""What must be true when the faults are over, whatever they were: I1 to I10, each a rule.

A rule takes the evidence and yields every broken promise in words.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from omniscope.common.v1.job_pb2 import JobState
from omniscope_registry.jobs.convert import state_to_proto
from omniscope_registry.jobs.domain import TERMINAL
from omniscope_service.watch import TERMINAL_STATES, is_terminal
from tests.faults.evidence import Evidence
from tests.faults.history import Entry
from tests.faults.packages import broken_package, manifest_of

OUTLIVES_SECONDS = 15.0
HEALING = {"resume", "heal", "up"}

Rule = Callable[[Evidence], Iterator[str]]


def violations(evidence: Evidence) -> list[str]:
    """Return every broken promise, each behind the number of its rule; empty: all were kept."""
    return [f"{name}: {broken}" for name, rule in RULES.items() for broken in rule(evidence)]


def acknowledged_jobs_are_there(evidence: Evidence) -> Iterator[str]:
    """I1: an acknowledged submission is never lost."""
    for entry in evidence.told("acknowledged"):
        if entry["job_id"] not in evidence.jobs:
            yield f"job {entry['job_id']} was acknowledged and is lost"


def a_request_makes_one_job(evidence: Evidence) -> Iterator[str]:
    """I2: one job per owner and request id, and none that nobody asked for."""
    answers = defaultdict(set)
    for entry in evidence.told("acknowledged"):
        answers[entry["request_id"]].add(entry["job_id"])
    asked = {entry["request_id"] for entry in evidence.told("submitting")}
    for job in evidence.jobs.values():
        if job.request_id not in asked:
            yield f"job {job.id} was never asked for"
        answers[job.request_id].add(job.id)
    for request_id, jobs in answers.items():
        if len(jobs) > 1:
            yield f"request {request_id} has made jobs {sorted(jobs)}"


def a_job_ends_once(evidence: Evidence) -> Iterator[str]:
    """I3: exactly one terminal transition, immutable afterwards."""
    for job in evidence.jobs.values():
        ends = [event.sequence for event in evidence.events[job.id] if is_terminal(event)]
        expected = [job.last_sequence] if job.status in TERMINAL else []
        if ends != expected:
            yield f"job {job.id} has ended at {ends}, not at {expected}: it is {job.status}"
    for job_id, seen in evidence.seen().items():
        told = {
            (JobState.Name(entry["state"]), entry["model_id"], entry["sequence"])
            for entry in _from_the_end_on(seen)
        }
        if told and job_id in evidence.jobs:
            row = evidence.jobs[job_id]
            name = JobState.Name(state_to_proto(row.status))
            told.add((name, row.model_id or "", row.last_sequence))
        if len(told) > 1:
            yield f"job {job_id} was seen to end as {sorted(told)}"


def one_lease_is_valid_at_a_time(evidence: Evidence) -> Iterator[str]:
    """I4: at most one valid attempt and token per job at any time."""
    for job in evidence.jobs.values():
        changes = [
            (event.state_changed.from_state, event.state_changed.to_state)
            for event in evidence.events[job.id]
            if event.HasField("state_changed")
        ]
        if any(before[1] != after[0] for before, after in pairwise(changes)):
            yield f"job {job.id} has changed its state behind its journal: {changes}"
        starts = sum(before != after == JobState.JOB_STATE_RUNNING for before, after in changes)
        attempts = evidence.attempts[job.id]
        if starts != len(attempts):
            yield f"job {job.id} was started {starts} times in {len(attempts)} attempts"
        if len({row.lease_token_hash for row in attempts}) < len(attempts):
            yield f"job {job.id} has two attempts with one token"
        newest = attempts[-1].lease_token_hash if attempts else None
        if job.lease_token_hash != (newest if job.status == "running" else None):
            yield f"job {job.id} is {job.status} and has a token of another attempt"


def attempts_increase_and_end_once(evidence: Evidence) -> Iterator[str]:
    """I5: attempts strictly increase, and each has exactly one recorded outcome."""
    for job in evidence.jobs.values():
        attempts = evidence.attempts[job.id]
        if [row.attempt for row in attempts] != list(range(1, job.attempt + 1)):
            yield f"job {job.id} has attempts {[row.attempt for row in attempts]}"
        over = attempts[:-1] if job.status == "running" else attempts
        if any(row.outcome is None for row in over):
            yield f"job {job.id} has an attempt without an outcome"
        outcomes = [row.outcome == "succeeded" for row in attempts]
        if any(outcomes[:-1]) or outcomes[-1:] == [job.status != "succeeded"]:
            yield f"job {job.id} is {job.status}, its attempts say otherwise"
    for job_id, seen in evidence.seen().items():
        if any(later["attempt"] < earlier["attempt"] for earlier, later in pairwise(seen)):
            yield f"job {job_id} was seen to fall back to an earlier attempt"


def a_model_verifies(evidence: Evidence) -> Iterator[str]:
    """I6: a SUCCEEDED job has exactly one model row, whose manifest verifies; others have none."""
    for job in evidence.jobs.values():
        found = [row.id for row in evidence.models[job.id]]
        expected = [job.model_id] if job.status == "succeeded" else []
        if found != expected:
            yield f"job {job.id} has models {found}, not {expected}"
        for model in evidence.models[job.id]:
            package = evidence.store / model.artifacts_path
            for broken in broken_package(package, model.manifest_digest, evidence.public_key):
                yield f"model {model.id} of job {job.id}: {broken}"


def a_model_is_of_its_last_attempt(evidence: Evidence) -> Iterator[str]:
    """I7: no artifact of an attempt before the last one is visible in the model."""
    for job in evidence.jobs.values():
        winners = [row for row in evidence.attempts[job.id] if row.outcome == "succeeded"]
        prefixes = {f"jobs/{job.id}/attempts/{row.attempt}-{row.nonce}/" for row in winners}
        for model in evidence.models[job.id]:
            if not any(model.artifacts_path.startswith(prefix) for prefix in prefixes):
                yield f"model {model.id} lies at {model.artifacts_path}, not in {prefixes}"
            manifest = manifest_of(evidence.store / model.artifacts_path)
            if (manifest.get("job_id"), manifest.get("attempt")) != (job.id, job.attempt):
                yield f"model {model.id} was made by attempt {manifest.get('attempt')}"


def events_have_no_gap(evidence: Evidence) -> Iterator[str]:
    """I8: events are gap-free, and whoever follows them arrives at the row."""
    for job in evidence.jobs.values():
        events = evidence.events[job.id]
        kept = [event.sequence for event in events if event.sequence > job.pruned_sequence]
        if kept != list(range(job.pruned_sequence + 1, job.last_sequence + 1)):
            yield f"job {job.id} has a gap in its events"
        states = [e.state_changed.to_state for e in events if e.HasField("state_changed")]
        if states[-1:] != [state_to_proto(job.status)]:
            yield f"job {job.id} is {job.status}, its events say otherwise"
    for job_id, seen in evidence.seen().items():
        if any(later["sequence"] < earlier["sequence"] for earlier, later in pairwise(seen)):
            yield f"job {job_id} was seen to go back in its events"
    watched = defaultdict(list)
    for entry in evidence.told("event"):
        watched[entry["watch"], entry["job_id"]].append(entry)
    for (_, job_id), entries in watched.items():
        ends = [0, *(entry["sequence"] for entry in entries)]
        if [entry["covers"] - 1 for entry in entries] != ends[:-1]:
            yield f"job {job_id} was watched with a gap or a repetition"


def every_job_has_ended(evidence: Evidence) -> Iterator[str]:
    """I9: once the faults are over, a job is terminal or runs with a live lease."""
    for job in evidence.jobs.values():
        alive = job.status == "running" and job.lease_until > evidence.now
        if job.status not in TERMINAL and not alive:
            yield f"job {job.id} has not ended: it is {job.status}"


def no_process_outlives_its_attempt(evidence: Evidence) -> Iterator[str]:
    """I10: no process outlives its attempt by more than 15 s, unless its worker was cut off."""
    healed = [entry["at"] for entry in evidence.told("fault") if entry["act"] in HEALING]
    gone = {(entry["pid"], entry["born"]): entry["at"] for entry in evidence.told("gone")}
    seen = evidence.seen()
    for child in evidence.told("child"):
        name = f"process {child['pid']} of attempt {child['attempt']} of job {child['job_id']}"
        ended_at = gone.get((child["pid"], child["born"]))
        if ended_at is None:
            yield f"{name} is still there"
            continue
        over = (entry["at"] for entry in seen[child["job_id"]] if _is_over(entry, child))
        over_at = next(over, ended_at)
        if ended_at > max([over_at, *healed]) + OUTLIVES_SECONDS:
            yield f"{name} has outlived it by {ended_at - over_at:.0f} s"


RULES: Mapping[str, Rule] = {
    "I1": acknowledged_jobs_are_there,
    "I2": a_request_makes_one_job,
    "I3": a_job_ends_once,
    "I4": one_lease_is_valid_at_a_time,
    "I5": attempts_increase_and_end_once,
    "I6": a_model_verifies,
    "I7": a_model_is_of_its_last_attempt,
    "I8": events_have_no_gap,
    "I9": every_job_has_ended,
    "I10": no_process_outlives_its_attempt,
}


def broken_by(rule: str, broken: list[str]) -> int:
    """Return how many of the violations are of one rule."""
    return sum(line.startswith(f"{rule}:") for line in broken)


def _from_the_end_on(seen: list[Entry]) -> list[Entry]:
    ends = [index for index, entry in enumerate(seen) if entry["state"] in TERMINAL_STATES]
    return seen[ends[0] :] if ends else []


def _is_over(seen: Entry, child: Entry) -> bool:
    return seen["attempt"] > child["attempt"] or seen["state"] in TERMINAL_STATES
