import pytest

from omniscope_registry.jobs.domain import (
    TERMINAL,
    TRANSITIONS,
    Cause,
    JobState,
    after_failure,
    budget_of,
)


def test_a_job_never_leaves_a_terminal_state():
    assert all(not TRANSITIONS[state] for state in TERMINAL)


def test_only_a_running_job_succeeds_or_fails():
    for state in (JobState.SUCCEEDED, JobState.FAILED, JobState.QUARANTINED):
        assert [before for before in JobState if state in TRANSITIONS[before]] == [
            JobState.RUNNING
        ]


@pytest.mark.parametrize(
    ("cause", "failures", "state"),
    [
        (Cause.USER_ERROR, 0, JobState.FAILED),
        (Cause.OUT_OF_MEMORY, 0, JobState.FAILED),
        (Cause.DEADLINE, 0, JobState.TIMED_OUT),
        (Cause.CANCELLED, 0, JobState.CANCELLED),
        (Cause.CRASH, 1, JobState.QUEUED),
        (Cause.CRASH, 2, JobState.QUARANTINED),
        (Cause.INFRASTRUCTURE, 5, JobState.QUEUED),
        (Cause.INFRASTRUCTURE, 6, JobState.FAILED),
        (Cause.LOST, 5, JobState.QUEUED),
        (Cause.LOST, 6, JobState.FAILED),
        (Cause.STALLED, 1, JobState.QUEUED),
        (Cause.STALLED, 2, JobState.FAILED),
        (Cause.PREEMPTED, 0, JobState.QUEUED),
    ],
)
def test_what_follows_a_failure_depends_on_its_cause(cause, failures, state):
    assert after_failure(cause, failures, cancel_requested=False).state == state


@pytest.mark.parametrize("cause", [Cause.CRASH, Cause.INFRASTRUCTURE, Cause.LOST, Cause.PREEMPTED])
def test_a_cancelled_job_is_not_tried_again(cause):
    assert after_failure(cause, 1, cancel_requested=True).state == JobState.CANCELLED


def test_what_a_cancelled_job_died_of_counts_when_it_would_have_ended_anyway():
    verdict = after_failure(Cause.USER_ERROR, 0, cancel_requested=True)

    assert verdict.state == JobState.FAILED


def test_lost_workers_and_broken_infrastructure_count_together():
    assert budget_of(Cause.LOST) is budget_of(Cause.INFRASTRUCTURE)
    assert budget_of(Cause.PREEMPTED) is None


def test_every_wait_for_infrastructure_is_longer_than_the_one_before():
    waits = [
        after_failure(Cause.INFRASTRUCTURE, failures, cancel_requested=False).longest_delay_seconds
        for failures in range(1, 6)
    ]

    assert waits == [5, 10, 20, 40, 80]


@pytest.mark.parametrize("cause", [Cause.CRASH, Cause.LOST, Cause.PREEMPTED])
def test_other_causes_are_tried_again_at_once(cause):
    assert after_failure(cause, 1, cancel_requested=False).longest_delay_seconds == 0
