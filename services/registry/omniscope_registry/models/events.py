"""Tells other services what happens to models, through the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ulid import ULID

from omniscope.events.v1.model_event_pb2 import (
    MODEL_EVENT_TYPE_ALIAS_CHANGED,
    MODEL_EVENT_TYPE_DELETED,
    MODEL_EVENT_TYPE_REGISTERED,
    MODEL_EVENT_TYPE_UNDELETED,
    ModelEvent,
)
from omniscope_registry import outbox
from omniscope_service.events import subjects

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_EVENT_VERSION: Final = 1


async def registered(conn: AsyncConnection, model_id: str) -> None:
    """Tell of a new model."""
    await _announce(
        conn, ModelEvent(type=MODEL_EVENT_TYPE_REGISTERED, model_id=model_id), "registered"
    )


async def deleted(conn: AsyncConnection, model_id: str) -> None:
    """Tell that a model is gone."""
    await _announce(conn, ModelEvent(type=MODEL_EVENT_TYPE_DELETED, model_id=model_id), "deleted")


async def undeleted(conn: AsyncConnection, model_id: str) -> None:
    """Tell that a deleted model is back."""
    await _announce(
        conn, ModelEvent(type=MODEL_EVENT_TYPE_UNDELETED, model_id=model_id), "undeleted"
    )


async def alias_changed(conn: AsyncConnection, model_id: str, name: str, alias: str) -> None:
    """Tell that an alias points to a model from now on, or does so no more."""
    event = ModelEvent(
        type=MODEL_EVENT_TYPE_ALIAS_CHANGED, model_id=model_id, name=name, alias=alias
    )
    await _announce(conn, event, "alias_changed")


async def _announce(conn: AsyncConnection, event: ModelEvent, kind: str) -> None:
    event.version = _EVENT_VERSION
    await outbox.add(
        conn,
        subject=subjects.model_event(event.model_id, kind),
        payload=event.SerializeToString(),
        # The same may happen again within minutes, and is no repetition.
        message_id=f"model:{event.model_id}:{kind}:{ULID()}",
    )
