"""Changes that owners make to their models: their description and tags, deletion, undeletion."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from omniscope_registry.models import events, projections
from omniscope_registry.models.finding import model_not_found, one
from omniscope_registry.models.ports import JOB
from omniscope_registry.packages.rows import change_row, restorable, visible
from omniscope_registry.tables.models import ml_models
from omniscope_service import failpoints
from omniscope_service.errors import FailedPrecondition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import timedelta

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.database import Database
    from omniscope_registry.models.cache import ModelCache
    from omniscope_registry.models.ports import ModelUse, ModelUsers

_MODELS = ml_models.c
_ID: Final = [_MODELS.id]
# An error's metadata holds so many.
_NAMED_USES: Final = 5


@dataclass(frozen=True)
class ModelChange:
    """The description and tags of a model from now on; None: as before."""

    description: str | None = None
    tags: Mapping[str, str] | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The columns that change."""
        changed = {"description": self.description, "tags": self.tags}
        return {name: value for name, value in changed.items() if value is not None}


class SqlModelChanges:
    """Changes models. Every method is one transaction and returns the model's id.

    Args:
        database: Where they are.
        cache: Answers to be dropped when a model changes.
        users: What may need a model.
        kept: How long a deleted model can be brought back.
    """

    def __init__(
        self, database: Database, cache: ModelCache, users: Sequence[ModelUsers], kept: timedelta
    ) -> None:
        self._database = database
        self._cache = cache
        self._users = users
        self._kept = kept

    async def update(self, owner: str, reference: str, change: ModelChange) -> str:
        """Change what is said of a model.

        Raises:
            NotFound: Reason MODEL_NOT_FOUND.
        """
        with self._dropping(owner) as changed:
            async with self._database.write() as conn:
                query = one(_ID, visible(ml_models, owner), owner, reference).with_for_update()
                model_id = _required(await conn.scalar(query), reference)
                changed.append(model_id)
                await self._set(conn, model_id, change.values)
                await projections.changed(conn, model_id)
        return model_id

    async def delete(self, owner: str, reference: str) -> str:
        """Delete a model: it is found no more. Its package stays until it is purged.

        Raises:
            NotFound: Reason MODEL_NOT_FOUND.
            FailedPrecondition: Something needs it; reason MODEL_IN_USE.
        """
        with self._dropping(owner) as changed:
            async with self._database.write() as conn:
                # Locked before its users are looked for: who came first is seen, who comes later
                # waits, and finds no model.
                query = one([*_ID, _MODELS.name], visible(ml_models, owner), owner, reference)
                row: Row[Any] | None = (await conn.execute(query.with_for_update())).first()
                model_id = _required(row and row.id, reference)
                uses = await self._uses(conn, owner, model_id)
                if uses:
                    raise _in_use(reference, uses)
                changed.append(model_id)
                await self._set(conn, model_id, {"deleted_at": self._database.now()})
                await events.deleted(conn, model_id)
                await failpoints.reach("delete_model.before_commit")
        return model_id

    async def undelete(self, owner: str, reference: str) -> str:
        """Bring a deleted model back.

        Args:
            owner: Whose model it is.
            reference: As for other calls, but a name means its newest deleted version.

        Raises:
            NotFound: There is none such, or its time is over; reason MODEL_NOT_FOUND.
        """
        among = restorable(ml_models, owner, self._database, self._kept)
        with self._dropping(owner) as changed:
            async with self._database.write() as conn:
                query = one(_ID, among, owner, reference).with_for_update()
                model_id: str | None = await conn.scalar(query)
                if model_id is None:
                    living = await conn.scalar(
                        one(_ID, visible(ml_models, owner), owner, reference)
                    )
                    return _required(living, reference)
                changed.append(model_id)
                await self._set(conn, model_id, {"deleted_at": None})
                await events.undeleted(conn, model_id)
        return model_id

    async def _set(self, conn: AsyncConnection, model_id: str, values: Mapping[str, Any]) -> None:
        await change_row(conn, ml_models, self._database, model_id, values)

    async def _uses(self, conn: AsyncConnection, owner: str, model_id: str) -> list[ModelUse]:
        found: list[ModelUse] = []
        for users in self._users:
            found += await users.uses_of(conn, owner, model_id, _NAMED_USES + 1)
        return found

    @contextmanager
    def _dropping(self, owner: str) -> Iterator[list[str]]:
        """Yield a list for the ids of models that change, whose answers are dropped afterwards."""
        changed: list[str] = []
        try:
            yield changed
        finally:
            # Also when the caller has gone: the commit may have happened.
            for model_id in changed:
                self._cache.drop(owner, model_id)


def _required(model_id: str | None, reference: str) -> str:
    if model_id is None:
        raise model_not_found(reference)
    return model_id


def _in_use(reference: str, uses: Sequence[ModelUse]) -> FailedPrecondition:
    named = ", ".join(f"{use.kind} {use.name}" for use in uses[:_NAMED_USES])
    more = " and others" if len(uses) > _NAMED_USES else ""
    jobs = [use.name for use in uses if use.kind == JOB]
    return FailedPrecondition(
        f"Model {reference!r} is needed by {named}{more}: point aliases elsewhere or remove them, "
        "cancel jobs or wait for their end.",
        reason="MODEL_IN_USE",
        field="model_id",
        metadata={"used_by": named, **({"job_id": jobs[0]} if jobs else {})},
    )
