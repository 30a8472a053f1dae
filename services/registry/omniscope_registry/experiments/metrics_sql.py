"""Values of metrics as the jobs reported them: in full, and the last of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, literal, select, tuple_

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
    from omniscope.registry.v1 import experiment_service_pb2 as messages
    from omniscope_registry.database import Database

DEFAULT_VALUES: Final = 1000
MAX_VALUES: Final = 10_000

_METRICS = job_metrics.c
_KEY: Final = stored_key()
_PLACE: Final = (_METRICS.attempt, _METRICS.worker_sequence)


class SqlMetricReader:
    """Reads the values of a run that the caller has been found to own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def last(self, run_id: str) -> dict[str, float]:
        """Return the last value of every metric, that of the greatest step, by key."""
        latest = (
            _METRICS.step.desc(),
            _METRICS.created_at.desc(),
            _METRICS.worker_sequence.desc(),
        )
        ranked = (
            select(
                _KEY.label("key"),
                _METRICS.value,
                func.row_number().over(partition_by=_KEY, order_by=latest).label("place"),
            )
            .where(_METRICS.job_id == run_id)
            .subquery()
        )
        query = select(ranked.c.key, ranked.c.value).where(ranked.c.place == 1)
        async with self._database.read() as conn:
            return {row.key: row.value for row in await conn.execute(query)}

    async def history_page(
        self, run_id: str, request: messages.GetMetricHistoryRequest
    ) -> tuple[list[messages.MetricValue], str]:
        """Return a page of a metric's values in the order of logging, and the next page's token.

        Raises:
            InvalidArgument: Reason PAGE_SIZE_INVALID or PAGE_TOKEN_MISMATCH.
        """
        bound = (run_id, request.metric)
        size = clamp_page_size(request.page_size, default=DEFAULT_VALUES, maximum=MAX_VALUES)
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
        async with self._database.read() as conn:
            rows = (await conn.execute(query.order_by(*_PLACE).limit(size + 1))).all()
        values = [metric_to_proto(row) for row in rows[:size]]
        if len(rows) <= size:
            return values, ""
        last_row = rows[size - 1]
        return values, encode_page_token(f"{last_row.attempt}:{last_row.worker_sequence}", bound)
