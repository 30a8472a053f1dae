"""What a training prints and reports on its way through the worker."""

from omniscope.registry.v1 import worker_service_pb2 as messages
from omniscope.registry.v1.worker_service_pb2 import CompleteJobRequest
from omniscope_registry.jobs.checking import reports_from_proto


async def test_what_the_training_prints_becomes_log_lines(scene):
    async with scene.working():
        job = await scene.submit("print_lines")
        await scene.registry.until_ended(job)

    assert scene.registry.logged(job) == ["from python", "from a child", "to stderr"]


async def test_output_is_capped(scene):
    async with scene.working():
        job = await scene.submit("print_lines", lines=5000)
        await scene.registry.until_ended(job)

    logged = scene.registry.logged(job)
    assert len(logged) == 2000
    assert logged[-1] == "Further output is not shown."


async def test_many_events_travel_in_batches_and_none_is_lost(scene):
    async with scene.working():
        job = await scene.submit("succeed", metrics=5000)
        await scene.registry.until_ended(job)

    steps = [e.metric.step for e in scene.registry.events[job] if e.HasField("metric")]
    assert steps == list(range(5000))
    assert 1 < max(scene.registry.batches) <= 500


async def test_values_that_are_not_finite_are_left_out_and_percent_never_falls(scene):
    async with scene.working():
        job = await scene.submit("undefined_values")
        await scene.registry.until_ended(job)

    percents = [event.progress.percent for event in scene.registry.events[job]]
    assert percents == [50, 50]
    assert not scene.registry.events[job][0].progress.HasField("eta")


async def test_names_that_the_registry_would_refuse_are_cut(scene):
    async with scene.working():
        job = await scene.submit("long_names")
        ended = await scene.registry.until_ended(job)

    assert isinstance(ended, CompleteJobRequest)
    reported = [
        messages.ReportedEvent(worker_sequence=number, event=event)
        for number, event in enumerate(scene.registry.events[job], start=1)
    ]
    reports_from_proto(messages.ReportEventsRequest(lease=ended.lease, events=reported))
    progress, metric, entry = (reported.event for reported in reported)
    assert progress.progress.eta.ToNanoseconds() == 0
    assert len(metric.metric.name) == len(entry.leaderboard_entry.model) == 256


async def test_events_that_are_refused_end_the_attempt_with_a_reason(scene):
    scene.registry.refuses_events = True
    async with scene.working():
        ended = await scene.run("wait")

    assert ended.cause == messages.FAILURE_CAUSE_INFRASTRUCTURE
    assert ended.error.reason == "WORKER_FAULT"
