"""Models in the registry's database. The owner is part of every query."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import false, insert, select, update
from ulid import ULID

from omniscope.events.v1.model_event_pb2 import (
    MODEL_EVENT_TYPE_DELETED,
    MODEL_EVENT_TYPE_REGISTERED,
    ModelEvent,
    ModelEventType,
)
from omniscope_registry import outbox
from omniscope_registry.listing.keyset import fetch_page
from omniscope_registry.models.cache import ModelCache
from omniscope_registry.models.convert import model_to_proto, results_to_proto
from omniscope_registry.names import is_id, is_name
from omniscope_registry.tables.models import ml_models
from omniscope_registry.versions import next_version
from omniscope_service.errors import NotFound
from omniscope_service.events import subjects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope.common.v1.model_pb2 import Model, ModelResults
    from omniscope_registry.database import Database
    from omniscope_registry.listing.keyset import ListRequest

_CACHED_MODELS: Final = 4096
_EVENT_VERSION: Final = 1
_UNLISTED: Final = frozenset({"hyperparameters", "training_config", "results"})
_LISTED: Final = [column for column in ml_models.c if column.name not in _UNLISTED]
_WHOLE: Final = [*_LISTED, ml_models.c.training_config]
_RESULTS: Final = [ml_models.c.id, ml_models.c.job_id, ml_models.c.results]
_PACKAGE: Final = [
    ml_models.c.artifacts_path,
    ml_models.c.manifest_digest,
    ml_models.c.created_at,
]
_FILTER_FIELDS: Final = {
    name: ml_models.c[name]
    for name in ("name", "type", "architecture", "problem_type", "dataset_id")
}


@dataclass(frozen=True, kw_only=True)
class NewModel:
    """What a finished job gives; id, version and times are the store's to add."""

    owner: str
    name: str
    type: str
    architecture: str
    problem_type: str
    target_column: str
    classes: list[str]
    feature_count: int
    hyperparameters: Mapping[str, Any]
    training_config: Mapping[str, Any]
    metrics: Mapping[str, float]
    results: Mapping[str, Any]
    artifacts_path: str
    manifest_digest: str
    size_bytes: int
    description: str
    tags: Mapping[str, str]
    job_id: str
    dataset_id: str
    created_by: str


@dataclass(frozen=True)
class StoredPackage:
    """Where a model's package lies, and what its manifest must hash to."""

    key: str
    manifest_digest: str
    created_at: datetime


class SqlModelStore:
    """Keeps models.

    GetModel is answered from memory where this process is the only one that writes, as with
    SQLite. With several registries on PostgreSQL another one may have deleted the model, so there
    every read goes to the database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cache = ModelCache(_CACHED_MODELS if database.dialect == "sqlite" else 0)

    async def get(self, owner: str, id_or_name: str) -> Model:
        """Return a model with its training request; the message is shared, do not change it.

        Raises:
            NotFound: The owner has none such; reason MODEL_NOT_FOUND.
        """
        cached = self._cache.get(owner, id_or_name)
        if cached is not None:
            return cached
        generation = self._cache.generation
        model = model_to_proto(await self._one(_WHOLE, owner, id_or_name), with_config=True)
        self._cache.put(owner, model, generation=generation)
        return model

    async def results(self, owner: str, id_or_name: str) -> ModelResults:
        """Return what came out of a model's training.

        Raises:
            NotFound: The owner has none such; reason MODEL_NOT_FOUND.
        """
        row = await self._one(_RESULTS, owner, id_or_name)
        # Curves of forty classes take 55 ms to convert, which the event loop must not wait for.
        return await asyncio.to_thread(results_to_proto, row)

    async def package(self, owner: str, id_or_name: str) -> StoredPackage:
        """Return where a model's package lies.

        Raises:
            NotFound: The owner has none such; reason MODEL_NOT_FOUND.
        """
        row = await self._one(_PACKAGE, owner, id_or_name)
        return StoredPackage(row.artifacts_path, row.manifest_digest, row.created_at)

    async def list_page(self, owner: str, request: ListRequest) -> tuple[list[Model], str]:
        """Return a page of the owner's models, and the token of the next page."""
        async with self._database.read() as conn:
            return await fetch_page(
                conn,
                select(*_LISTED).where(*_visible(owner)),
                request=request,
                owner=owner,
                key=ml_models.c.id,
                fields=_FILTER_FIELDS,
                to_proto=partial(model_to_proto, with_config=False),
            )

    async def insert(self, conn: AsyncConnection, new: NewModel) -> Model:
        """Insert a model as the next version of its name, within the caller's transaction."""
        version = await next_version(conn, ml_models, new.owner, new.name)
        now = self._database.now()
        statement = insert(ml_models).values(
            **asdict(new), id=str(ULID()), version=version, created_at=now, updated_at=now
        )
        row = (await conn.execute(statement.returning(*_WHOLE))).one()
        await _announce(conn, row.id, MODEL_EVENT_TYPE_REGISTERED, "registered")
        return model_to_proto(row, with_config=True)

    async def delete(self, owner: str, id_or_name: str) -> None:
        """Delete a model: it is found no more. Its package stays until it is collected.

        Raises:
            NotFound: The owner has none such; reason MODEL_NOT_FOUND.
        """
        wanted = _one([ml_models.c.id], owner, id_or_name).scalar_subquery()
        now = self._database.now()
        statement = (
            update(ml_models)
            .where(ml_models.c.id == wanted, ml_models.c.deleted_at.is_(None))
            .values(deleted_at=now, updated_at=now)
            .returning(ml_models.c.id)
        )
        model_id = None
        try:
            async with self._database.write() as conn:
                model_id = await conn.scalar(statement)
                if model_id is None:
                    raise _not_found(id_or_name)
                await _announce(conn, model_id, MODEL_EVENT_TYPE_DELETED, "deleted")
        finally:
            # Also when the caller has gone: the commit may have happened.
            if model_id is not None:
                self._cache.drop(owner, model_id)

    async def note_runs(self, run_ids: Mapping[str, str]) -> None:
        """Note the MLflow runs of models, by model id; unknown ids are ignored."""
        owners = {}
        try:
            async with self._database.write() as conn:
                for model_id, run_id in run_ids.items():
                    statement = (
                        update(ml_models)
                        .where(ml_models.c.id == model_id)
                        .values(mlflow_run_id=run_id, updated_at=self._database.now())
                        .returning(ml_models.c.owner)
                    )
                    owners[model_id] = await conn.scalar(statement)
        finally:
            for model_id, owner in owners.items():
                if owner is not None:
                    self._cache.drop(owner, model_id)

    async def _one(
        self, columns: Sequence[ColumnElement[Any]], owner: str, id_or_name: str
    ) -> Row[Any]:
        async with self._database.read() as conn:
            row: Row[Any] | None = (await conn.execute(_one(columns, owner, id_or_name))).first()
        if row is None:
            raise _not_found(id_or_name)
        return row


def _visible(owner: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return ml_models.c.owner == owner, ml_models.c.deleted_at.is_(None)


def _one(columns: Sequence[ColumnElement[Any]], owner: str, id_or_name: str) -> Select[Any]:
    query = select(*columns).where(*_visible(owner))
    if is_id(id_or_name):
        return query.where(ml_models.c.id == id_or_name.upper())
    if not is_name(id_or_name):
        return query.where(false())  # PostgreSQL fails at a text with a zero byte.
    return (
        query.where(ml_models.c.name == id_or_name).order_by(ml_models.c.version.desc()).limit(1)
    )


async def _announce(
    conn: AsyncConnection, model_id: str, kind: ModelEventType.ValueType, word: str
) -> None:
    event = ModelEvent(version=_EVENT_VERSION, type=kind, model_id=model_id)
    await outbox.add(
        conn,
        subject=subjects.model_event(model_id, word),
        payload=event.SerializeToString(),
        message_id=f"model:{model_id}:{word}",
    )


def _not_found(id_or_name: str) -> NotFound:
    return NotFound(
        f"There is no model {id_or_name!r}.",
        reason="MODEL_NOT_FOUND",
        field="model_id",
        metadata={"resource_type": "model", "resource_name": id_or_name},
    )
