import asyncio
import json
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from omniscope.common.v1 import job_event_pb2
from omniscope.registry.v1 import worker_service_pb2 as messages
from omniscope.registry.v1.worker_service_pb2 import CompleteJobRequest
from omniscope_registry.jobs.checking import failure_from_proto
from omniscope_service.errors import ResourceExhausted, Unavailable
from omniscope_service.log import ALLOWED_KEYS
from tests.unit.omniscope_service.jobs.conftest import dataset_input, warm


def alive(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def ends(logs):
    about = ("job_id", "attempt", "state", "reason")
    return [
        {key: line[key] for key in about if key in line}
        for line in logs
        if line["event"] == "attempt ended"
    ]


async def test_a_job_runs_from_hint_to_model_and_its_events_arrive_in_order(scene):
    async with scene.working():
        job = await scene.submit("succeed")
        ended = await scene.registry.until_ended(job)

    assert isinstance(ended, CompleteJobRequest)
    assert not ended.stopped_early
    kinds = [event.WhichOneof("event") for event in scene.registry.events[job]]
    assert kinds == ["progress", *["metric"] * 3, "leaderboard_entry", "log_line", "progress"]
    first, last = scene.registry.events[job][0].progress, scene.registry.events[job][-1].progress
    assert (first.percent, first.phase, first.total) == (10, "fitting", 2)
    assert first.eta.ToTimedelta().total_seconds() == 1.5
    assert last.percent == 100
    assert [e.metric.step for e in scene.registry.events[job][1:4]] == [0, 1, 2]
    line = scene.registry.events[job][5].log_line
    assert (line.text, line.severity) == ("half way", job_event_pb2.LOG_SEVERITY_WARNING)
    assert not scene.registry.events[job][4].leaderboard_entry.HasField("score_test")


async def test_the_package_lies_below_the_attempts_prefix_and_the_folder_is_gone(scene):
    async with scene.working():
        ended = await scene.run("succeed")

    manifest = await scene.artifacts.get_bytes(f"{ended.package_key}/manifest.json")
    assert ended.package_key.startswith(f"jobs/{ended.lease.job_id}/attempts/1-abc/")
    assert json.loads(manifest) == {"act": "succeed"}
    assert list((scene.home / "work").iterdir()) == []


async def test_a_limit_that_the_trainer_kept_is_passed_on(scene):
    async with scene.working():
        ended = await scene.run("stop_early")

    assert ended.stopped_early


async def test_a_worker_says_what_it_can_run(scene):
    async with scene.working() as worker:
        await scene.registry.until(lambda: scene.registry.announced)

    announced = scene.registry.announced[0]
    assert announced.worker_id == worker.worker_id
    assert (announced.service, announced.resource_class) == (scene.service, "cpu")
    assert (announced.slots, dict(announced.versions)) == (1, {"omniscope": "1"})


FAILURES = [
    ("user_error", messages.FAILURE_CAUSE_USER_ERROR, "TARGET_CONSTANT", "one class"),
    ("unexpected_error", messages.FAILURE_CAUSE_USER_ERROR, "TRAINING_FAILED", "cannot divide"),
    ("long_error", messages.FAILURE_CAUSE_USER_ERROR, "TRAINING_FAILED", "no no no"),
    ("decoding_error", messages.FAILURE_CAUSE_USER_ERROR, "TRAINING_FAILED", "invalid start"),
    ("forget_package", messages.FAILURE_CAUSE_USER_ERROR, "TRAINING_FAILED", "no package"),
    (
        "memory_error",
        messages.FAILURE_CAUSE_OUT_OF_MEMORY,
        "OUT_OF_MEMORY",
        "memory; fewer columns",
    ),
    ("told_memory_error", messages.FAILURE_CAUSE_OUT_OF_MEMORY, "OUT_OF_MEMORY", "80.0 GiB, all"),
    ("long_memory_error", messages.FAILURE_CAUSE_OUT_OF_MEMORY, "OUT_OF_MEMORY", "no no no"),
    ("lose_process", messages.FAILURE_CAUSE_CRASH, "TRAINING_CRASHED", "rank 1 was ended"),
    ("die", messages.FAILURE_CAUSE_CRASH, "TRAINING_CRASHED", "SIGKILL"),
    ("crash", messages.FAILURE_CAUSE_CRASH, "TRAINING_CRASHED", "SIGSEGV"),
    ("leave", messages.FAILURE_CAUSE_CRASH, "TRAINING_CRASHED", "status 3"),
    ("write_rubbish", messages.FAILURE_CAUSE_CRASH, "TRAINING_CRASHED", "SIGKILL"),
]


@pytest.mark.parametrize(("act", "cause", "reason", "text"), FAILURES)
async def test_a_failed_training_has_its_cause_and_the_worker_takes_the_next_job(
    scene, act, cause, reason, text
):
    async with scene.working():
        failed = await scene.run(act)
        following = await scene.run("succeed")

    assert (failed.cause, failed.error.reason) == (cause, reason)
    assert text in failed.error.message
    failure_from_proto(failed)  # the registry takes it
    assert isinstance(following, CompleteJobRequest)


@pytest.mark.parametrize(
    ("act", "end"),
    [
        ("succeed", {"state": "succeeded"}),
        ("user_error", {"state": "failed", "reason": "TARGET_CONSTANT"}),
        ("forget_package", {"state": "failed", "reason": "TRAINING_FAILED"}),
    ],
)
async def test_the_log_says_how_an_attempt_ended(scene, act, end):
    with capture_logs() as logs:
        async with scene.working():
            ended = await scene.run(act)

    assert ends(logs) == [{"job_id": ended.lease.job_id, "attempt": 1} | end]
    assert all(line.keys() - {"log_level"} <= ALLOWED_KEYS for line in logs)


async def test_the_log_tells_cancelled_and_handed_back_from_failed(scene):
    with capture_logs() as logs:
        async with scene.working():
            cancelled = await scene.submit("wait")
            await scene.registry.until_phase(cancelled, "waiting")
            await scene.cancel(cancelled)
            await scene.registry.until_ended(cancelled)
            stopped = await scene.submit("wait")
            await scene.registry.until_phase(stopped, "waiting")

    assert [(end["job_id"], end["state"], end["reason"]) for end in ends(logs)] == [
        (cancelled, "cancelled", "JOB_CANCELLED"),
        (stopped, "handed back", "WORKER_STOPPING"),
    ]


async def test_a_user_error_names_its_field(scene):
    async with scene.working():
        failed = await scene.run("user_error")

    assert (failed.error.code, failed.error.field) == ("INVALID_ARGUMENT", "target_column")


@pytest.mark.parametrize(
    ("act", "shown"),
    [
        ("user_error", None),
        ("user_error_with_cause", "ValueError: byte 7"),
        ("unexpected_error", "ZeroDivisionError: cannot"),
    ],
)
async def test_only_what_an_error_does_not_tell_itself_is_shown_as_a_traceback(scene, act, shown):
    async with scene.working():
        failed = await scene.run(act)

    lines = scene.registry.logged(failed.lease.job_id)
    assert shown in lines if shown else not any("Traceback" in line for line in lines)


async def test_a_cancelled_job_ends_by_sigterm_and_the_worker_takes_the_next_one(scene):
    async with scene.working():
        job = await scene.submit("wait")
        await scene.registry.until_phase(job, "waiting")
        await scene.cancel(job)
        ended = await scene.registry.until_ended(job)
        following = await scene.run("succeed")

    assert ended.cause == messages.FAILURE_CAUSE_CANCELLED
    assert ended.error.reason == "JOB_CANCELLED"
    assert isinstance(following, CompleteJobRequest)


async def test_a_cancelled_job_that_ignores_sigterm_is_killed(scene):
    async with scene.working(grace_seconds=0.2):
        job = await scene.submit("wait_stubbornly")
        await scene.registry.until_phase(job, "waiting")
        await scene.cancel(job)
        ended = await scene.registry.until_ended(job)

    assert ended.cause == messages.FAILURE_CAUSE_CANCELLED


async def test_a_cancel_whose_hint_was_lost_comes_with_the_heartbeat(scene):
    scene.registry.heartbeat_seconds = 0.05
    async with scene.working():
        job = await scene.submit("wait")
        scene.registry.cancelled.add(job)
        ended = await scene.registry.until_ended(job)

    assert ended.cause == messages.FAILURE_CAUSE_CANCELLED
    assert job in scene.registry.beats


async def test_a_model_that_was_finished_in_the_grace_of_a_cancel_is_not_kept(scene):
    async with scene.working():
        job = await scene.submit("finish_when_asked")
        await scene.registry.until_phase(job, "waiting")
        await scene.cancel(job)
        ended = await scene.registry.until_ended(job)

    assert ended.cause == messages.FAILURE_CAUSE_CANCELLED


async def test_the_hard_limit_ends_a_job_with_nothing_usable(scene):
    async with scene.working():
        ended = await scene.run("wait", hard_limit_seconds=0.3)

    assert ended.cause == messages.FAILURE_CAUSE_DEADLINE
    assert ended.error.reason == "HARD_LIMIT_EXCEEDED"


async def test_the_hard_limit_keeps_what_was_finished_in_the_grace(scene):
    async with scene.working() as worker:
        await warm(worker)
        ended = await scene.run("finish_when_asked", hard_limit_seconds=1)

    assert isinstance(ended, CompleteJobRequest)
    assert ended.stopped_early


async def test_a_cancel_in_the_grace_of_the_hard_limit_is_heard(scene):
    async with scene.working() as worker:
        await warm(worker)
        job = await scene.submit("finish_late", hard_limit_seconds=1)
        await scene.registry.until_phase(job, "finishing")
        await scene.cancel(job)
        ended = await scene.registry.until_ended(job)

    assert ended.cause == messages.FAILURE_CAUSE_CANCELLED


async def test_a_deadline_in_the_grace_of_the_hard_limit_keeps_what_is_finished(scene):
    async with scene.working() as worker:
        await warm(worker)
        ended = await scene.run("finish_late", hard_limit_seconds=1, deadline_seconds=1.2)

    assert isinstance(ended, CompleteJobRequest)
    assert ended.stopped_early


async def test_a_stopped_worker_hands_its_job_back(scene):
    async with scene.working():
        job = await scene.submit("wait")
        await scene.registry.until_phase(job, "waiting")

    assert scene.registry.ended[job].cause == messages.FAILURE_CAUSE_PREEMPTED


async def test_a_stale_attempt_is_killed_and_reports_nothing_more(scene):
    scene.registry.heartbeat_seconds = 0.05
    async with scene.working():
        job = await scene.submit("grow_tree")
        await scene.registry.until(lambda: scene.registry.events.get(job))
        pids = json.loads(scene.registry.logged(job)[0])
        scene.registry.stale.add(job)
        following = await scene.run("succeed")

    assert isinstance(following, CompleteJobRequest)
    assert job not in scene.registry.ended
    assert not any(map(alive, pids))


async def test_a_cancelled_job_leaves_no_process_behind(scene):
    async with scene.working():
        job = await scene.submit("grow_tree")
        await scene.registry.until(lambda: scene.registry.events.get(job))
        pids = json.loads(scene.registry.logged(job)[0])
        assert all(map(alive, pids))
        await scene.cancel(job)
        await scene.registry.until_ended(job)

    assert not any(map(alive, pids))


async def test_a_damaged_dataset_is_no_fault_of_the_user(scene):
    async with scene.working():
        failed = await scene.run("succeed", inputs=[dataset_input(digest="0" * 64)])

    assert failed.cause == messages.FAILURE_CAUSE_INFRASTRUCTURE
    assert failed.error.reason == "DATASET_CORRUPT"
    assert not (scene.home / "cache").exists()


async def test_a_trainer_that_cannot_be_imported_fails_the_job_with_its_last_output(scene):
    async with scene.working(trainer="absent_trainer"):
        failed = await scene.run("succeed")

    assert failed.cause == messages.FAILURE_CAUSE_INFRASTRUCTURE
    assert failed.error.reason == "TRAINER_UNAVAILABLE"
    assert "absent_trainer" in failed.error.message


async def test_two_slots_run_two_jobs_at_a_time(scene):
    async with scene.working(slots=2):
        jobs = [await scene.submit("wait"), await scene.submit("wait")]
        for job in jobs:
            await scene.registry.until(lambda job=job: scene.registry.events.get(job))

    assert {scene.registry.ended[job].cause for job in jobs} == {messages.FAILURE_CAUSE_PREEMPTED}


REGISTRY_AWAY = Unavailable("The registry is away.", reason="REGISTRY_AWAY")
REGISTRY_OVERLOADED = ResourceExhausted("Concurrent RPC limit exceeded!", reason="TOO_MANY_CALLS")


@pytest.mark.parametrize("error", [REGISTRY_AWAY, REGISTRY_OVERLOADED])
async def test_a_registry_that_is_away_ends_no_training(scene, error):
    async with scene.working() as worker:
        await warm(worker)
        job = await scene.submit("finish_when_asked", hard_limit_seconds=1)
        await scene.registry.until_phase(job, "waiting")
        scene.registry.away = error
        await scene.registry.until(lambda: scene.registry.refused > 2)
        scene.registry.away = None
        ended = await scene.registry.until_ended(job)

    assert isinstance(ended, CompleteJobRequest)


async def test_the_child_has_no_secrets_no_transport_and_no_stdin(scene, monkeypatch):
    monkeypatch.setenv("OMNISCOPE_NATS_URL", "nats://secret@127.0.0.1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    async with scene.working():
        ended = await scene.run("tell_surroundings")

    data = await scene.artifacts.get_bytes(f"{ended.package_key}/surroundings.json")
    found = json.loads(data)
    assert not {name for name in found["environment"] if name.startswith(("OMNISCOPE", "AWS"))}
    assert "secret" not in json.dumps(found["environment"])
    assert not {"grpc", "nats", "google", "structlog"} & set(found["modules"])
    assert found["folder"].endswith("/workspace")
    assert found["stdin"] == ""


async def test_a_warm_child_is_taken_by_the_next_job(scene):
    async with scene.working() as worker:
        worker.warm_up()
        worker.warm_up()
        job = await scene.submit("grow_tree")
        await scene.registry.until(lambda: scene.registry.events.get(job))
        assert alive(json.loads(scene.registry.logged(job)[0])[0])
        assert worker._warm._warming is None

    assert scene.registry.ended[job].cause == messages.FAILURE_CAUSE_PREEMPTED


async def test_the_next_child_is_warmed_when_a_job_has_ended(scene):
    async with scene.working() as worker:
        await scene.run("succeed")
        while worker._warm._warming is None:  # noqa: ASYNC110 - nothing tells when it begins
            await asyncio.sleep(0.01)
        child = await worker._warm._warming

        assert child.alive

    assert not child.alive


async def test_a_warm_child_that_died_is_replaced(scene):
    async with scene.working() as worker:
        child = await warm(worker)
        os.kill(child.pid, 9)
        await child.wait()
        ended = await scene.run("succeed")

    assert isinstance(ended, CompleteJobRequest)


async def test_an_idle_child_is_dropped(scene):
    async with scene.working(keep_warm_seconds=0) as worker:
        child = await warm(worker)
        await child.wait()
        ended = await scene.run("succeed")

    assert isinstance(ended, CompleteJobRequest)
