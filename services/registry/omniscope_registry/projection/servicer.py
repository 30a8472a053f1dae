"""ProjectionService: feeds the process that writes to MLflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omniscope.registry.v1 import projection_service_pb2 as messages
from omniscope.registry.v1.projection_service_pb2_grpc import ProjectionServiceServicer
from omniscope_registry.listing.paging import clamp_page_size
from omniscope_registry.projection.store_sql import SqlProjectionStore
from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from omniscope_registry.database import Database
    from omniscope_registry.models.store_sql import SqlModelStore
    from omniscope_service.rpc.context import Context

_WAIT_SECONDS: Final = 10.0
_DEFAULT_PAGE_SIZE: Final = 100
_MAX_ACKNOWLEDGED: Final = 1000


class ProjectionServicer(ProjectionServiceServicer):
    """Hands out the outbox and notes what came of it.

    Args:
        database: Where the outbox is.
        models: Where the runs of models are noted.
    """

    def __init__(self, database: Database, models: SqlModelStore) -> None:
        self._store = SqlProjectionStore(database)
        self._models = models

    async def ListProjections(
        self, request: messages.ListProjectionsRequest, context: Context
    ) -> messages.ListProjectionsResponse:
        """Return what has not been projected, or wait for some."""
        limit = clamp_page_size(request.page_size, default=_DEFAULT_PAGE_SIZE)
        found = await self._store.wait_for_pending(limit, _WAIT_SECONDS)
        return messages.ListProjectionsResponse(projections=found)

    async def AcknowledgeProjections(
        self, request: messages.AcknowledgeProjectionsRequest, context: Context
    ) -> messages.AcknowledgeProjectionsResponse:
        """Forget what has been projected, and note the runs of models."""
        _check_count(request)
        await self._models.note_runs(request.mlflow_run_ids)
        await self._store.acknowledge(request.projection_ids)
        return messages.AcknowledgeProjectionsResponse()


def _check_count(request: messages.AcknowledgeProjectionsRequest) -> None:
    if len(request.projection_ids) > _MAX_ACKNOWLEDGED:
        raise InvalidArgument(
            f"projection_ids has {len(request.projection_ids)} entries; "
            f"at most {_MAX_ACKNOWLEDGED} are allowed.",
            reason="FIELD_INVALID",
            field="projection_ids",
        )
