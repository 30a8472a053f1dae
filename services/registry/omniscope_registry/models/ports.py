"""The interface of those who use models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

ALIAS: Final = "alias"
JOB: Final = "job"


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A thing that needs a model.

    Attributes:
        kind: `alias` or `job`.
        name: What its owner calls it; of a job its id.
    """

    kind: str
    name: str


class ModelUsers(Protocol):
    """Things of one kind that need models; whoever starts to need one locks its row before."""

    async def uses_of(
        self, conn: AsyncConnection, owner: str, model_id: str, limit: int
    ) -> list[ModelUse]:
        """Return what needs a model now, at most `limit`, within a transaction that locks it."""
        ...
