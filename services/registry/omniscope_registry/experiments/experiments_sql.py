"""Experiments, read from the jobs by jumping from name to name, never by reading all runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, literal, literal_column, select

from omniscope_registry.experiments.convert import experiment_to_proto
from omniscope_registry.listing.paging import (
    NAME_KEY,
    clamp_page_size,
    decode_page_token,
    encode_page_token,
)
from omniscope_registry.tables.jobs import training_jobs
from omniscope_service.errors import NotFound
from omniscope_service.names import is_name

if TYPE_CHECKING:
    from sqlalchemy import CTE, ColumnElement, ScalarSelect, Select

    from omniscope.registry.v1 import experiment_service_pb2 as messages
    from omniscope_registry.database import Database

MAX_EXPERIMENTS: Final = 100
"""Experiments on one page."""
COUNTED_RUNS: Final = 100
"""Runs beyond this are not counted: a page would read many thousands of them."""

_JOBS = training_jobs.c


class SqlExperimentReader:
    """Reads the experiments of one owner at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, owner: str, request: messages.ListExperimentsRequest
    ) -> tuple[list[messages.Experiment], str]:
        """Return a page of the owner's experiments by name, and the token of the next page.

        Raises:
            InvalidArgument: Reason PAGE_SIZE_INVALID or PAGE_TOKEN_MISMATCH.
        """
        bound = (owner, "experiments")
        size = clamp_page_size(request.page_size, maximum=MAX_EXPERIMENTS)
        after = decode_page_token(request.page_token, bound, NAME_KEY)
        names = _names(owner, after or "")
        query = _described(owner, names.c.experiment).where(names.c.experiment.is_not(None))
        async with self._database.read() as conn:
            rows = (await conn.execute(query.limit(size + 1))).all()
        token = encode_page_token(rows[size - 1].experiment, bound) if len(rows) > size else ""
        return [experiment_to_proto(row) for row in rows[:size]], token

    async def get(self, owner: str, name: str) -> messages.Experiment:
        """Return an experiment.

        Raises:
            NotFound: The owner has no runs in it; reason EXPERIMENT_NOT_FOUND.
        """
        if not is_name(name):  # PostgreSQL fails at a text with a zero byte.
            raise _not_found(name)
        named = select(literal(name).label("experiment")).subquery()
        async with self._database.read() as conn:
            row = (await conn.execute(_described(owner, named.c.experiment))).one()
        if not row.run_count:
            raise _not_found(name)
        return experiment_to_proto(row)


def _of_owner(owner: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _JOBS.owner == owner, _JOBS.deleted_at.is_(None)


def _names(owner: str, after: str) -> CTE:
    """Return the names after `after` in their order; the last row is NULL."""

    def smallest(beyond: ColumnElement[str]) -> Select[Any]:
        name = func.min(_JOBS.experiment).label("experiment")
        return select(name).where(*_of_owner(owner), _JOBS.experiment > beyond)

    names = smallest(literal(after)).cte("names", recursive=True)
    following = smallest(names.c.experiment).scalar_subquery()
    return names.union_all(select(following).where(names.c.experiment.is_not(None)))


def _described(owner: str, name: ColumnElement[str]) -> Select[Any]:
    """Return the query for experiments of the names in a column."""
    runs = (*_of_owner(owner), _JOBS.experiment == name)
    counted: Select[Any] = (
        select(literal_column("1")).where(*runs).limit(COUNTED_RUNS).correlate(name.table)
    )

    def submitted(order: ColumnElement[Any]) -> ScalarSelect[Any]:
        # Ids sort by time.
        return select(_JOBS.created_at).where(*runs).order_by(order).limit(1).scalar_subquery()

    return select(
        name,
        select(func.count()).select_from(counted.subquery()).scalar_subquery().label("run_count"),
        submitted(_JOBS.id.asc()).label("created_at"),
        submitted(_JOBS.id.desc()).label("last_run_at"),
    )


def _not_found(name: str) -> NotFound:
    return NotFound(
        f"There is no experiment {name[:128]!r}.",
        reason="EXPERIMENT_NOT_FOUND",
        field="experiment",
        metadata={"resource_type": "experiment", "resource_name": name[:128]},
    )
