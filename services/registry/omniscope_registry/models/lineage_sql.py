"""Lineages from the registry's database: each level of a walk is one statement."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Integer, bindparam, false, func, literal, select

from omniscope_registry.models.convert import lineage_to_proto
from omniscope_registry.models.finding import model_not_found, one
from omniscope_registry.models.lineage import Edge, NodeKind, Step, walk
from omniscope_registry.packages.rows import owned, visible
from omniscope_registry.tables.artifacts import job_artifacts
from omniscope_registry.tables.datasets import datasets
from omniscope_registry.tables.jobs import job_inputs, training_jobs
from omniscope_registry.tables.models import ml_models

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import BindParameter, Row, Table

    from omniscope.common.v1.lineage_pb2 import Lineage
    from omniscope_registry.database import Database, Reader

_INPUTS = job_inputs.c
_JOBS = training_jobs.c
_MODELS = ml_models.c
_ARTIFACTS = job_artifacts.c
_DATASETS = datasets.c
_TABLES: Final[Mapping[NodeKind, Table]] = {
    NodeKind.DATASET: datasets,
    NodeKind.MODEL: ml_models,
    NodeKind.ARTIFACT: job_artifacts,
}
_NAMED: Final = {
    NodeKind.DATASET: (_DATASETS.name, _DATASETS.version, literal("").label("type")),
    NodeKind.MODEL: (_MODELS.name, _MODELS.version, _MODELS.type),
    NodeKind.ARTIFACT: (
        literal("").label("name"),
        literal(0).label("version"),
        _ARTIFACTS.kind.label("type"),
    ),
}
_PURGED: Final = {
    NodeKind.DATASET: false(),
    NodeKind.MODEL: _MODELS.purged_at.is_not(None),
    NodeKind.ARTIFACT: _ARTIFACTS.purged_at.is_not(None),
}
_MODEL_IDS: Final[BindParameter[str]] = bindparam("model_ids", expanding=True)
_LIMIT: Final = bindparam("limit", type_=Integer)
_OUTPUT: Final = func.coalesce(_JOBS.model_id, _JOBS.artifact_id)
# Both statements find their rows by an index, and in its order, so that the limit ends the search.
_MADE_OF: Final = (
    select(
        _INPUTS.job_id,
        _INPUTS.role,
        func.coalesce(_INPUTS.dataset_id, _INPUTS.model_id).label("input_id"),
        _MODELS.id.label("output_id"),
        _INPUTS.model_id.is_not(None).label("is_model"),
    )
    .join_from(ml_models, job_inputs, _INPUTS.job_id == _MODELS.job_id)
    .where(_MODELS.owner == bindparam("owner"), _MODELS.id.in_(_MODEL_IDS))
    .order_by(_MODELS.id, _INPUTS.position)
    .limit(_LIMIT)
)
_USED_BY: Final = (
    select(
        _INPUTS.job_id,
        _INPUTS.role,
        _INPUTS.model_id.label("input_id"),
        _OUTPUT.label("output_id"),
        _JOBS.model_id.is_not(None).label("is_model"),
    )
    .join_from(job_inputs, training_jobs, _INPUTS.job_id == _JOBS.id)
    .where(_INPUTS.owner == bindparam("owner"), _INPUTS.model_id.in_(_MODEL_IDS))
    .where(_OUTPUT.is_not(None))
    .order_by(_INPUTS.model_id, _INPUTS.repeated, _INPUTS.job_id, _INPUTS.position)
    .limit(_LIMIT)
)


class SqlLineage:
    """Reads lineages; every statement has the owner, and deleted rows count.

    Args:
        database: Where jobs, and what they read and made, are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_model(self, owner: str, reference: str, max_depth: int) -> Lineage:
        """Return what a model was made of, and what was made of it.

        Args:
            owner: Whose it is.
            reference: What the owner calls the model.
            max_depth: How many jobs away from it at most.

        Raises:
            NotFound: The owner has none such; reason MODEL_NOT_FOUND.
        """
        # Not on the event loop: a level may be a thousand models with thousands of inputs.
        async with self._database.scan() as conn:
            query = one([_MODELS.id], visible(ml_models, owner), owner, reference)
            model_id: str | None = await conn.scalar(query)
            if model_id is None:
                raise model_not_found(reference)
            made_of = await walk(model_id, partial(_made_of, conn, owner), max_depth)
            used_by = await walk(model_id, partial(_used_by, conn, owner), max_depth)
            kinds = {model_id: NodeKind.MODEL} | made_of.nodes | used_by.nodes
            rows = await _rows(conn, owner, kinds)
        # A thousand nodes take tens of milliseconds to convert, too.
        return await asyncio.to_thread(
            lineage_to_proto,
            [(kind, rows[node_id]) for node_id, kind in kinds.items()],
            made_of.edges | used_by.edges,
            truncated=made_of.truncated or used_by.truncated,
        )


async def _made_of(conn: Reader, owner: str, model_ids: Sequence[str], limit: int) -> list[Step]:
    """Return what the jobs read that made models; see `Steps`."""
    rows = await conn.execute(_MADE_OF, {"owner": owner, "model_ids": model_ids, "limit": limit})
    return [_step(row, row.input_id, NodeKind.DATASET) for row in rows]


async def _used_by(conn: Reader, owner: str, model_ids: Sequence[str], limit: int) -> list[Step]:
    """Return what the jobs made that read models; see `Steps`."""
    rows = await conn.execute(_USED_BY, {"owner": owner, "model_ids": model_ids, "limit": limit})
    return [_step(row, row.output_id, NodeKind.ARTIFACT) for row in rows]


def _step(row: Row[Any], node_id: str, other: NodeKind) -> Step:
    edge = Edge(row.job_id, row.role, row.input_id, row.output_id)
    return Step(edge, node_id, NodeKind.MODEL if row.is_model else other)


async def _rows(conn: Reader, owner: str, kinds: Mapping[str, NodeKind]) -> dict[str, Row[Any]]:
    """Return what nodes are called, by their ids; rows of what was deleted or purged stay."""
    found: dict[str, Row[Any]] = {}
    for kind, table in _TABLES.items():
        columns = table.c.id, table.c.created_at, table.c.deleted_at
        of_kind = [node_id for node_id, its_kind in kinds.items() if its_kind is kind]
        query = select(*columns, *_NAMED[kind], _PURGED[kind].label("purged"))
        rows = await conn.execute(query.where(owned(table, owner), table.c.id.in_(of_kind)))
        found |= {row.id: row for row in rows}
    return found
