"""Values of metrics as the jobs reported them: in full, and the last of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, and_, cast, func, literal, select, tuple_

from omniscope_registry.experiments.convert import metric_to_proto
from omniscope_registry.experiments.keys import stored_key
from omniscope_registry.listing.paging import (
    PAIR_KEY,
    clamp_page_size,
    decode_page_token,
    encode_page_token,
)
from omniscope_registry.tables.jobs import job_metrics

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from omniscope.registry.v1 import experiment_service_pb2 as messages
    from omniscope_registry.database import Database

MAX_VALUES: Final = 1000
"""Values on one page."""

_METRICS = job_metrics.c
# By step, then attempt, then number. One number, for sorting the rows of a long run takes seconds.
_ORDER: Final[ColumnElement[int]] = (
    cast(_METRICS.step, BigInteger) * 2**32
    + cast(_METRICS.attempt, BigInteger) * 2**26
    + _METRICS.worker_sequence
)
_PLACE: Final = (_METRICS.attempt, _METRICS.worker_sequence)


class SqlMetricReader:
    """Reads the values of a run that the caller has been found to own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def last(self, run_id: str) -> dict[str, float]:
        """Return the last value of every metric, that of the greatest step, by key."""
        of_run = _METRICS.job_id == run_id
        named = (_METRICS.split, _METRICS.name)
        newest = (
            select(*named, func.max(_ORDER).label("latest"))
            .where(of_run)
            .group_by(*named)
            .subquery()
        )
        same = (_METRICS.split == newest.c.split, _METRICS.name == newest.c.name)
        query = (
            select(stored_key().label("key"), _METRICS.value)
            .join(newest, and_(*same, newest.c.latest == _ORDER))
            .where(of_run)
        )
        async with self._database.scan() as conn:
            return {row.key: row.value for row in await conn.execute(query)}

    async def history_page(
        self, run_id: str, request: messages.GetMetricHistoryRequest
    ) -> tuple[list[messages.MetricValue], str]:
        """Return a page of a metric's values in the order of logging, and the next page's token.

        Raises:
            InvalidArgument: Reason PAGE_SIZE_INVALID or PAGE_TOKEN_MISMATCH.
        """
        bound = (run_id, request.metric)
        size = clamp_page_size(request.page_size, default=MAX_VALUES, maximum=MAX_VALUES)
        after = decode_page_token(request.page_token, bound, PAIR_KEY)
        if "\0" in request.metric:
            return [], ""  # PostgreSQL fails at such a text; no metric has such a name.
        columns: list[Any] = [*_PLACE, _METRICS.value, _METRICS.step, _METRICS.epoch]
        query = select(*columns, _METRICS.created_at).where(
            _METRICS.job_id == run_id, stored_key() == request.metric
        )
        if after is not None:
            last = tuple_(*(literal(int(part)) for part in after.split(":")))
            query = query.where(tuple_(*_PLACE) > last)
        async with self._database.scan() as conn:
            rows = (await conn.execute(query.order_by(*_PLACE).limit(size + 1))).all()
        values = [metric_to_proto(row) for row in rows[:size]]
        if len(rows) <= size:
            return values, ""
        last_row = rows[size - 1]
        return values, encode_page_token(f"{last_row.attempt}:{last_row.worker_sequence}", bound)
