"""Aliases in the registry's database: a name that is pointed from one version to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from ulid import ULID

from omniscope_registry.models import events
from omniscope_registry.models.convert import alias_to_proto
from omniscope_registry.models.finding import check_alias, model_not_found, one
from omniscope_registry.models.ports import ALIAS, ModelUse
from omniscope_registry.packages.rows import visible
from omniscope_registry.tables.models import ml_models, model_aliases
from omniscope_registry.versions import lock_name
from omniscope_service.errors import Aborted, NotFound, ResourceExhausted

if TYPE_CHECKING:
    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope.registry.v1.model_service_pb2 import ModelAlias
    from omniscope_registry.database import Database, Reader
    from omniscope_registry.models.cache import ModelCache

ANY_ETAG: Final = "*"
MAX_ALIASES: Final = 64
"""Aliases of one name."""

_ALIASES = model_aliases.c
_TARGET: Final = [ml_models.c.id, ml_models.c.name, ml_models.c.version]
_FOUND = select(model_aliases, ml_models.c.version).join(
    ml_models, ml_models.c.id == _ALIASES.model_id
)


class SqlAliasStore:
    """Keeps aliases; also the `ModelUsers` of kind `alias`.

    Args:
        database: Where they are.
        cache: Answers that name aliases, to be dropped when one changes.
    """

    def __init__(self, database: Database, cache: ModelCache) -> None:
        self._database = database
        self._cache = cache

    async def resolve(self, owner: str, reference: str, alias: str) -> ModelAlias:
        """Return where an alias points.

        Raises:
            InvalidArgument: Reason ALIAS_INVALID.
            NotFound: Reason MODEL_NOT_FOUND or ALIAS_NOT_FOUND.
        """
        check_alias(alias)
        async with self._database.read() as conn:
            name = (await _model(conn, owner, reference)).name
            row = (await conn.execute(_one_alias(owner, name, alias))).first()
        if row is None:
            raise _alias_not_found(name, alias)
        return alias_to_proto(row)

    async def point(self, owner: str, reference: str, alias: str, etag: str) -> ModelAlias:
        """Point an alias to a model; one that points there already stays as it is.

        Args:
            owner: Whose model it is; also who does it.
            reference: The model.
            alias: The alias.
            etag: Of the alias as the caller knows it; empty: there is none; `*`: any.

        Raises:
            InvalidArgument: Reason ALIAS_INVALID.
            NotFound: Reason MODEL_NOT_FOUND.
            Aborted: It points elsewhere than the caller knows; reason ETAG_MISMATCH.
            ResourceExhausted: The name has 64 others; reason ALIASES_FULL.
        """
        check_alias(alias)
        changed: set[str] = set()
        try:
            async with self._database.write() as conn:
                # Held until the end: a delete either came before, or comes after and sees this.
                model = await _model(conn, owner, reference, hold=True)
                await lock_name(conn, model_aliases, owner, model.name)
                now = (await conn.execute(_one_alias(owner, model.name, alias))).first()
                if now is not None and now.model_id == model.id:
                    return alias_to_proto(now)
                _require_etag(now, etag, model.name, alias)
                if now is None:
                    await _require_room(conn, owner, model.name)
                changed = {model.id, *([now.model_id] if now else [])}
                return await self._store(conn, owner, model, alias, sorted(changed))
        finally:
            self._drop(owner, changed)

    async def remove(self, owner: str, reference: str, alias: str, etag: str) -> None:
        """Remove an alias.

        Args:
            owner: Whose model it is.
            reference: Any version of the name.
            alias: The alias.
            etag: As for `point`, but empty means any.

        Raises:
            InvalidArgument: Reason ALIAS_INVALID.
            NotFound: Reason MODEL_NOT_FOUND or ALIAS_NOT_FOUND.
            Aborted: It was changed; reason ETAG_MISMATCH.
        """
        check_alias(alias)
        changed: set[str] = set()
        try:
            async with self._database.write() as conn:
                name = (await _model(conn, owner, reference)).name
                await lock_name(conn, model_aliases, owner, name)
                now = (await conn.execute(_one_alias(owner, name, alias))).first()
                if now is None:
                    raise _alias_not_found(name, alias)
                _require_etag(now, etag or ANY_ETAG, name, alias)
                changed = {now.model_id}
                await conn.execute(delete(model_aliases).where(*_key(owner, name, alias)))
                await events.alias_changed(conn, now.model_id, name, alias)
        finally:
            self._drop(owner, changed)

    async def uses_of(
        self, conn: AsyncConnection, owner: str, model_id: str, limit: int
    ) -> list[ModelUse]:
        """Return the aliases that point to a model."""
        query = select(_ALIASES.alias).where(_ALIASES.model_id == model_id)
        found = await conn.execute(query.order_by(_ALIASES.alias).limit(limit))
        return [ModelUse(ALIAS, alias) for alias in found.scalars()]

    async def _store(
        self, conn: AsyncConnection, owner: str, model: Row[Any], alias: str, changed: list[str]
    ) -> ModelAlias:
        dialect = postgresql if conn.dialect.name == "postgresql" else sqlite
        values = {
            "model_id": model.id,
            "etag": str(ULID()),
            "updated_by": owner,
            "updated_at": self._database.now(),
        }
        statement = dialect.insert(model_aliases).values(
            owner=owner, name=model.name, alias=alias, **values
        )
        await conn.execute(
            statement.on_conflict_do_update(index_elements=["owner", "name", "alias"], set_=values)
        )
        for model_id in changed:
            await events.alias_changed(conn, model_id, model.name, alias)
        return alias_to_proto((await conn.execute(_one_alias(owner, model.name, alias))).one())

    def _drop(self, owner: str, model_ids: set[str]) -> None:
        # Also when the caller has gone: the commit may have happened.
        for model_id in model_ids:
            self._cache.drop(owner, model_id)


async def _model(conn: Reader, owner: str, reference: str, *, hold: bool = False) -> Row[Any]:
    """Return id, name and version of a model; with `hold` nobody deletes it until the end."""
    query = one(_TARGET, visible(ml_models, owner), owner, reference)
    row: Row[Any] | None = (
        await conn.execute(query.with_for_update(read=True) if hold else query)
    ).first()
    if row is None:
        raise model_not_found(reference)
    return row


def _one_alias(owner: str, name: str, alias: str) -> Select[Any]:
    return _FOUND.where(*_key(owner, name, alias))


def _key(owner: str, name: str, alias: str) -> tuple[Any, ...]:
    return _ALIASES.owner == owner, _ALIASES.name == name, _ALIASES.alias == alias


async def _require_room(conn: AsyncConnection, owner: str, name: str) -> None:
    count = select(func.count()).where(_ALIASES.owner == owner, _ALIASES.name == name)
    if (await conn.execute(count)).scalar_one() >= MAX_ALIASES:
        raise ResourceExhausted(
            f"The model {name!r} has {MAX_ALIASES} aliases already, which is the most.",
            reason="ALIASES_FULL",
            field="alias",
        )


def _require_etag(now: Row[Any] | None, etag: str, name: str, alias: str) -> None:
    if etag == ANY_ETAG or etag == (now.etag if now else ""):
        return
    if now is None:
        where = "does not exist"
        metadata = {"current_etag": ""}
    else:
        where = f"points to version {now.version} ({now.model_id}), etag {now.etag!r}"
        metadata = {"current_etag": now.etag, "current_model_id": now.model_id}
    raise Aborted(
        f"The alias {alias!r} of {name!r} {where}, not as etag {etag[:64]!r} says.",
        reason="ETAG_MISMATCH",
        field="etag",
        metadata=metadata,
    )


def _alias_not_found(name: str, alias: str) -> NotFound:
    return NotFound(
        f"The model {name!r} has no alias {alias!r}.",
        reason="ALIAS_NOT_FOUND",
        field="alias",
        metadata={"resource_type": "model_alias", "resource_name": f"{name}@{alias}"},
    )
