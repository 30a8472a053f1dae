"""Inputs of jobs: found at submission, kept from being deleted, and stored with the job."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import exists, insert, select

from omniscope_registry.jobs.errors import input_not_found
from omniscope_registry.jobs.values import InputKind, JobInput, StoredInput
from omniscope_registry.listing.filter import FilterRelated
from omniscope_registry.tables.jobs import job_inputs, training_jobs

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.database import Reader
    from omniscope_registry.jobs.ports import InputSource
    from omniscope_registry.jobs.values import JobRow

LISTED_INPUTS: Final = 16
"""Inputs of each job that a list carries."""

_JOBS = training_jobs.c
_INPUTS = job_inputs.c


def input_filters(key: Column[str]) -> dict[str, FilterRelated]:
    """Return what lists of jobs, or of what they made, are filtered by: any input.

    Args:
        key: Column with the job's id, which the list is ordered by.
    """
    return {
        name: FilterRelated(_INPUTS[name], _INPUTS.job_id, key)
        for name in ("dataset_id", "model_id")
    }


INPUT_FILTERS: Final = input_filters(_JOBS.id)


class JobInputs:
    """Looks inputs up for their owner.

    Args:
        datasets: Where datasets are.
        models: Where models are.
    """

    def __init__(self, datasets: InputSource, models: InputSource) -> None:
        self._sources = {InputKind.DATASET: datasets, InputKind.MODEL: models}

    async def find(
        self, conn: Reader, owner: str, inputs: Sequence[JobInput], *, hold: bool = False
    ) -> list[JobInput]:
        """Return inputs with where they lie.

        Args:
            conn: Where to read.
            owner: Whose they have to be.
            inputs: In the job's order.
            hold: Keep them from being deleted until the transaction ends.

        Raises:
            NotFound: One is not there; reason DATASET_NOT_FOUND or MODEL_NOT_FOUND.
        """
        stored: dict[tuple[InputKind, str], StoredInput] = {}
        for kind, source in self._sources.items():
            ids = {each.id for each in inputs if each.kind is kind}
            found = await source.find(conn, owner, ids, hold=hold) if ids else {}
            stored |= {(kind, input_id): lies for input_id, lies in found.items()}
        return [_found(each, position, stored) for position, each in enumerate(inputs)]


def _found(
    wanted: JobInput, position: int, stored: Mapping[tuple[InputKind, str], StoredInput]
) -> JobInput:
    lies = stored.get((wanted.kind, wanted.id))
    if lies is None:
        raise input_not_found(wanted, position)
    return replace(wanted, stored=lies)


async def insert_inputs(conn: AsyncConnection, job: JobRow, inputs: Sequence[JobInput]) -> JobRow:
    """Store what a new job reads; return the job with it."""
    seen: set[str] = set()
    rows = []
    for position, each in enumerate(inputs):
        rows.append(_row(job, position, each, repeated=each.id in seen))
        seen.add(each.id)
    await conn.execute(insert(job_inputs), rows)
    return replace(job, inputs=tuple(inputs))


def _row(job: JobRow, position: int, each: JobInput, *, repeated: bool) -> dict[str, Any]:
    if each.stored is None:
        raise ValueError(f"input {position} of job {job.id} was not looked up")
    return {
        "job_id": job.id,
        "position": position,
        "owner": job.owner,
        "role": each.role,
        "dataset_id": None,
        "model_id": None,
        **each.reference,
        "repeated": repeated,
        **each.stored._asdict(),
    }


async def with_inputs(conn: Reader, job: JobRow) -> JobRow:
    """Return a job with all that it reads."""
    return replace(job, inputs=await inputs_of(conn, job.id))


async def inputs_of(conn: Reader, job_id: str) -> list[JobInput]:
    """Return all that a job reads."""
    query = select(job_inputs).where(_INPUTS.job_id == job_id).order_by(_INPUTS.position)
    return [_input(row) for row in await conn.execute(query)]


async def first_inputs(conn: Reader, job_ids: Collection[str]) -> dict[str, list[JobInput]]:
    """Return what jobs read, at most `LISTED_INPUTS` of each, by job id."""
    query = (
        select(job_inputs)
        .where(_INPUTS.job_id.in_(job_ids), _INPUTS.position < LISTED_INPUTS)
        .order_by(_INPUTS.job_id, _INPUTS.position)
    )
    found: dict[str, list[JobInput]] = {job_id: [] for job_id in job_ids}
    for row in await conn.execute(query):
        found[row.job_id].append(_input(row))
    return found


async def open_jobs_reading(
    conn: AsyncConnection, owner: str, column: ColumnElement[str], input_id: str, limit: int
) -> list[str]:
    """Return jobs that have not ended and read something, oldest first.

    Args:
        conn: A transaction that holds the row of what is read: a submission that came first is
            seen, one that comes later waits.
        owner: Whose it is: nobody else's jobs can read it.
        column: `dataset_id` or `model_id` of `job_inputs`.
        input_id: What is read.
        limit: How many jobs at most.
    """
    reads = exists().where(_INPUTS.owner == owner, column == input_id, _INPUTS.job_id == _JOBS.id)
    query = (
        select(_JOBS.id)
        .where(_JOBS.owner == owner, _JOBS.completed_at.is_(None), reads)
        .order_by(_JOBS.id)
        .limit(limit)
    )
    return list((await conn.execute(query)).scalars())


def _input(row: Row[Any]) -> JobInput:
    stored = StoredInput(row.artifact_key, row.digest)
    kind = InputKind.MODEL if row.dataset_id is None else InputKind.DATASET
    return JobInput(row.role, kind, row.dataset_id or row.model_id, stored)
