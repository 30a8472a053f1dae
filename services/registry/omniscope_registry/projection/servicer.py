"""ProjectionService: feeds the process that writes to MLflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from omniscope.registry.v1 import projection_service_pb2 as messages
from omniscope.registry.v1.projection_service_pb2_grpc import ProjectionServiceServicer
from omniscope_registry.listing.paging import clamp_page_size
from omniscope_registry.projection.store_sql import SqlProjectionStore
from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from omniscope_registry.database import Database
    from omniscope_service.rpc.context import Context

_WAIT_SECONDS: Final = 10.0
_DEFAULT_PAGE_SIZE: Final = 100
_MAX_ACKNOWLEDGED: Final = 1000


class RunNotes(Protocol):
    """Where it is noted which run shows something."""

    async def note_runs(self, run_ids: Mapping[str, str]) -> None:
        """Note MLflow run ids, by the id of what they show; unknown ids are ignored."""
        ...


class ProjectionServicer(ProjectionServiceServicer):
    """Hands out the outbox and notes what came of it.

    Args:
        database: Where the outbox is.
        results: Where the runs of models and artifacts are noted.
    """

    def __init__(self, database: Database, results: Sequence[RunNotes]) -> None:
        self._store = SqlProjectionStore(database)
        self._results = results

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
        """Forget what has been projected, and note the runs of models and artifacts."""
        _check_count(request)
        for store in self._results if request.mlflow_run_ids else ():
            await store.note_runs(request.mlflow_run_ids)
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
