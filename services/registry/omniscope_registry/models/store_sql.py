"""Models in the registry's database. The owner is part of every query."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select
from ulid import ULID

from omniscope_registry.jobs.values import StoredInput
from omniscope_registry.listing.filter import Filterable, FilterMap
from omniscope_registry.listing.keyset import fetch_rows, reading
from omniscope_registry.models import events
from omniscope_registry.models.cache import ModelCache
from omniscope_registry.models.convert import model_to_proto, results_to_proto
from omniscope_registry.models.finding import model_not_found, one
from omniscope_registry.packages.rows import (
    StoredPackage,
    listed,
    location_of,
    note_runs,
    stored_package,
    visible,
)
from omniscope_registry.tables.models import ml_models, model_aliases
from omniscope_registry.versions import next_version

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope.common.v1.model_pb2 import Model, ModelResults
    from omniscope_registry.database import Database, Reader
    from omniscope_registry.listing.keyset import ListRequest

DELETED_KEPT: Final = timedelta(days=30)
"""How long a deleted model can be brought back, unless the settings say otherwise."""

_MODELS: Final = ml_models.c
_CACHED_MODELS: Final = 4096
_UNLISTED: Final = frozenset({"hyperparameters", "training_config", "results"})
_LISTED: Final = [column for column in ml_models.c if column.name not in _UNLISTED]
_WHOLE: Final = [*_LISTED, ml_models.c.training_config]
_RESULTS: Final = [ml_models.c.id, ml_models.c.job_id, ml_models.c.results]
_FILTER_FIELDS: Final[dict[str, Filterable]] = {
    "tags": FilterMap(ml_models.c.tags),
    **{
        name: ml_models.c[name]
        for name in ("name", "type", "architecture", "problem_type", "dataset_id")
    },
}
_ORDERS: Final = {
    "update_time": ml_models.c.updated_at,
    "name": ml_models.c.name,
    "size_bytes": ml_models.c.size_bytes,
}


@dataclass(frozen=True, kw_only=True)
class NewModel:
    """A model as a finished job made it; id, version and times are the store's to add."""

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
    dataset_id: str | None
    created_by: str


class SqlModelStore:
    """Keeps models.

    GetModel is answered from memory where this process is the only one that writes, as with
    SQLite. With several registries on PostgreSQL another one may have deleted the model, so there
    every read goes to the database.

    Args:
        database: Where they are.
        kept: How long a deleted model can be brought back.

    Attributes:
        cache: The answers of GetModel; whoever changes a model drops its answer.
    """

    def __init__(self, database: Database, kept: timedelta = DELETED_KEPT) -> None:
        self._database = database
        self._kept = kept
        self.cache = ModelCache(_CACHED_MODELS if database.dialect == "sqlite" else 0)

    async def get(self, owner: str, reference: str) -> Model:
        """Return a model with its training request; the message is shared, do not change it.

        Raises:
            NotFound: The owner has none such; reason MODEL_NOT_FOUND.
        """
        cached = self.cache.get(owner, reference)
        if cached is not None:
            return cached
        generation = self.cache.generation
        async with self._database.read() as conn:
            row = await _one(conn, _WHOLE, owner, reference)
            aliases = await _aliases(conn, [row.id])
        model = self._model(row, aliases, with_config=True)
        self.cache.put(owner, model, generation=generation)
        return model

    async def results(self, owner: str, reference: str) -> ModelResults:
        """Return what came out of a model's training.

        Raises:
            NotFound: The owner has none such; reason MODEL_NOT_FOUND.
        """
        async with self._database.read() as conn:
            row = await _one(conn, _RESULTS, owner, reference)
        # Curves of forty classes take 55 ms to convert, which the event loop must not wait for.
        return await asyncio.to_thread(results_to_proto, row)

    async def package(self, owner: str, reference: str) -> StoredPackage:
        """Return where a model's package lies.

        Raises:
            NotFound: The owner has none such; reason MODEL_NOT_FOUND.
        """
        async with self._database.read() as conn:
            row = await _one(conn, location_of(ml_models), owner, reference)
        return stored_package(row)

    async def list_page(
        self, owner: str, request: ListRequest, *, show_deleted: bool
    ) -> tuple[list[Model], str]:
        """Return a page of the owner's models, and the token of the next page."""
        return await self._page(owner, request, [], ["models"], show_deleted=show_deleted)

    async def versions_page(
        self, owner: str, reference: str, request: ListRequest, *, show_deleted: bool
    ) -> tuple[list[Model], str]:
        """Return a page of the versions under a model's name, and the token of the next page.

        Raises:
            NotFound: The owner has none such; reason MODEL_NOT_FOUND.
        """
        async with self._database.read() as conn:
            name = (await _one(conn, [ml_models.c.name], owner, reference)).name
        named = [ml_models.c.name == name]
        return await self._page(owner, request, named, [name], show_deleted=show_deleted)

    async def find(
        self, conn: Reader, owner: str, ids: Collection[str], *, hold: bool = False
    ) -> dict[str, StoredInput]:
        """Return where the packages of the owner's models lie; see `jobs.ports.InputSource`."""
        columns = [_MODELS.id, _MODELS.artifacts_path, _MODELS.manifest_digest]
        query = select(*columns).where(*visible(ml_models, owner), _MODELS.id.in_(ids))
        if hold:
            query = query.order_by(_MODELS.id).with_for_update(read=True)
        return {
            row.id: StoredInput(row.artifacts_path, row.manifest_digest)
            for row in await conn.execute(query)
        }

    async def insert(self, conn: AsyncConnection, new: NewModel) -> Model:
        """Insert a model as the next version of its name, within the caller's transaction."""
        version = await next_version(conn, ml_models, new.owner, new.name)
        now = self._database.now()
        statement = insert(ml_models).values(
            **asdict(new), id=str(ULID()), version=version, created_at=now, updated_at=now
        )
        row = (await conn.execute(statement.returning(*_WHOLE))).one()
        await events.registered(conn, row.id)
        return self._model(row, {}, with_config=True)

    async def note_runs(self, run_ids: Mapping[str, str]) -> None:
        """Note the MLflow runs of models, by model id; unknown ids are ignored."""
        owners: dict[str, str] = {}
        try:
            async with self._database.write() as conn:
                owners = await note_runs(conn, ml_models, self._database, run_ids)
        finally:
            for model_id, owner in owners.items():
                self.cache.drop(owner, model_id)

    async def _page(
        self,
        owner: str,
        request: ListRequest,
        conditions: Sequence[ColumnElement[bool]],
        scope: Sequence[str],
        *,
        show_deleted: bool,
    ) -> tuple[list[Model], str]:
        shown = listed(ml_models, show_deleted=show_deleted)
        async with reading(self._database, request) as conn:
            page = await fetch_rows(
                conn,
                select(*_LISTED).where(shown, *conditions),
                request=request,
                owner=owner,
                key=ml_models.c.id,
                fields=_FILTER_FIELDS,
                orders=_ORDERS,
                scope=[*scope, str(show_deleted)],
            )
            aliases = await _aliases(conn, [row.id for row in page.rows])
        return page.answer(lambda row: self._model(row, aliases, with_config=False))

    def _model(
        self, row: Row[Any], aliases: Mapping[str, list[str]], *, with_config: bool
    ) -> Model:
        return model_to_proto(
            row, with_config=with_config, aliases=aliases.get(row.id, ()), kept=self._kept
        )


async def _one(
    conn: Reader, columns: Sequence[ColumnElement[Any]], owner: str, reference: str
) -> Row[Any]:
    query = one(columns, visible(ml_models, owner), owner, reference)
    row: Row[Any] | None = (await conn.execute(query)).first()
    if row is None:
        raise model_not_found(reference)
    return row


async def _aliases(conn: Reader, model_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the aliases of models, sorted, by the models' ids."""
    aliases = model_aliases.c
    query = select(aliases.model_id, aliases.alias).where(aliases.model_id.in_(model_ids))
    found: dict[str, list[str]] = {}
    for model_id, alias in await conn.execute(query.order_by(aliases.alias)):
        found.setdefault(model_id, []).append(alias)
    return found
