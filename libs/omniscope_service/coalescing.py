"""Merges the events that a slow client, or a pruned journal, makes stand for others."""

from collections.abc import Iterable, Iterator

from omniscope.common.v1.job_event_pb2 import JobEvent

COALESCIBLE = frozenset({"metric", "progress"})
"""Kinds of which the newest says enough. All others are told one by one and kept for ever."""


def merged(events: Iterable[JobEvent], after: int) -> Iterator[JobEvent]:
    """Yield the newest metric point of each name, the newest progress, and all other events.

    Only neighbours are merged: the order of what is told one by one stays, and every sequence
    from `after` on is covered by an event or by what it stands for.

    Args:
        events: In order of their sequence.
        after: Sequence of the event before them.
    """
    run: list[JobEvent] = []
    for event in events:
        if event.WhichOneof("event") in COALESCIBLE:
            run.append(event)
            continue
        yield from covering(_newest(run), after)
        after, run = event.sequence, []
        yield event
    yield from covering(_newest(run), after)


def covering(events: Iterable[JobEvent], after: int) -> Iterator[JobEvent]:
    """Yield events; a metric or progress event after a hole says from which sequence on it stands.

    Args:
        events: In order of their sequence.
        after: Sequence of the event before them.
    """
    for event in events:
        hole = event.sequence > after + 1
        if hole and event.WhichOneof("event") in COALESCIBLE:
            standing = JobEvent()
            standing.CopyFrom(event)
            standing.coalesced_from = after + 1
            yield standing
        else:
            yield event
        after = event.sequence


def _newest(run: Iterable[JobEvent]) -> list[JobEvent]:
    newest = {
        (event.attempt, event.WhichOneof("event"), event.metric.name, event.metric.split): event
        for event in run
    }
    return sorted(newest.values(), key=lambda event: event.sequence)
