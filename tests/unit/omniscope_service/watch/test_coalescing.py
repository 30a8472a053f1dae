"""Merging for slow clients: nothing but metric and progress events, and nothing uncovered."""

from hypothesis import given
from hypothesis import strategies as st

from omniscope.common.v1 import job_event_pb2 as events
from omniscope.common.v1.job_event_pb2 import JobEvent
from omniscope_service.coalescing import covering, merged


def metric(sequence, name="loss", value=0.0, split="train"):
    point = events.MetricPoint(name=name, value=value, split=split)
    return JobEvent(sequence=sequence, metric=point)


def progress(sequence):
    return JobEvent(sequence=sequence, progress=events.Progress(percent=sequence))


def entry(sequence):
    return JobEvent(sequence=sequence, leaderboard_entry=events.LeaderboardEntry(model="A"))


def log(sequence):
    return JobEvent(sequence=sequence, log_line=events.LogLine(text="x"))


def spans(found):
    return [(event.coalesced_from or event.sequence, event.sequence) for event in found]


def test_the_newest_point_of_each_metric_stands_for_the_others():
    run = [metric(4, value=1), metric(5, "auc"), metric(6, value=2), progress(7), progress(8)]

    found = list(merged(run, after=3))

    assert spans(found) == [(4, 5), (6, 6), (7, 8)]
    assert [event.metric.value for event in found[:2]] == [0, 2]


def test_splits_of_one_metric_are_told_apart():
    found = merged([metric(1, split="train"), metric(2, split="validation")], after=0)

    assert spans(found) == [(1, 1), (2, 2)]


def test_what_is_told_one_by_one_is_never_merged():
    found = list(merged([metric(1), entry(2), entry(3), log(4), metric(5), metric(6)], after=0))

    assert spans(found) == [(1, 1), (2, 2), (3, 3), (4, 4), (5, 6)]


def test_the_events_themselves_are_not_changed():
    original = metric(2)

    list(merged([metric(1), original], after=0))

    assert original.coalesced_from == 0


def test_a_hole_that_pruning_left_is_covered_by_the_next_metric():
    assert spans(covering([metric(5), metric(6)], after=2)) == [(3, 5), (6, 6)]


MAKERS = st.sampled_from([metric, progress, entry, log, lambda n: metric(n, "auc")])


@given(st.lists(MAKERS, max_size=60), st.integers(0, 5))
def test_every_sequence_is_covered_exactly_once_and_in_order(makers, after):
    run = [make(after + 1 + number) for number, make in enumerate(makers)]

    covered = [n for first, last in spans(merged(run, after)) for n in range(first, last + 1)]

    assert covered == [event.sequence for event in run]
