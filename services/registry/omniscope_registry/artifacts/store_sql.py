"""Artifacts in the registry's database. The owner is part of every query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import false, insert, select
from ulid import ULID

from omniscope_registry.artifacts.convert import artifact_to_proto
from omniscope_registry.jobs.sql.inputs import first_inputs, input_filters, inputs_of
from omniscope_registry.listing.keyset import fetch_rows, reading
from omniscope_registry.packages.rows import (
    StoredPackage,
    change_row,
    listed,
    location_of,
    note_runs,
    restorable,
    stored_package,
    visible,
)
from omniscope_registry.tables.artifacts import job_artifacts
from omniscope_service.errors import NotFound
from omniscope_service.names import is_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from sqlalchemy import ColumnElement, Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope.common.v1.artifact_pb2 import Artifact
    from omniscope_registry.database import Database, Reader
    from omniscope_registry.jobs.values import JobRow, VerifiedPackage
    from omniscope_registry.listing.filter import Filterable
    from omniscope_registry.listing.keyset import ListRequest

_ARTIFACTS = job_artifacts.c
_ID: Final = [_ARTIFACTS.id]
_FILTER_FIELDS: Final[dict[str, Filterable]] = {
    "kind": _ARTIFACTS.kind,
    "job_id": _ARTIFACTS.job_id,
    **input_filters(_ARTIFACTS.job_id),
}


class SqlArtifactStore:
    """Keeps artifacts.

    Args:
        database: Where they are.
        kept: How long a deleted artifact can be brought back.
    """

    def __init__(self, database: Database, kept: timedelta) -> None:
        self._database = database
        self._kept = kept

    async def get(self, owner: str, artifact_id: str) -> Artifact:
        """Return an artifact.

        Raises:
            NotFound: The owner has none such; reason ARTIFACT_NOT_FOUND.
        """
        async with self._database.read() as conn:
            row = await _one(conn, list(_ARTIFACTS), owner, artifact_id)
            inputs = await inputs_of(conn, row.job_id)
        return artifact_to_proto(row, inputs, self._kept)

    async def package(self, owner: str, artifact_id: str) -> StoredPackage:
        """Return where an artifact's package lies.

        Raises:
            NotFound: The owner has none such; reason ARTIFACT_NOT_FOUND.
        """
        async with self._database.read() as conn:
            row = await _one(conn, location_of(job_artifacts), owner, artifact_id)
        return stored_package(row)

    async def list_page(
        self, owner: str, request: ListRequest, *, show_deleted: bool
    ) -> tuple[list[Artifact], str]:
        """Return a page of the owner's artifacts, and the token of the next page."""
        shown = listed(job_artifacts, show_deleted=show_deleted)
        async with reading(self._database, request) as conn:
            page = await fetch_rows(
                conn,
                select(job_artifacts).where(shown),
                request=request,
                owner=owner,
                key=_ARTIFACTS.job_id,
                fields=_FILTER_FIELDS,
                scope=["artifacts", str(show_deleted)],
            )
            inputs = await first_inputs(conn, [row.job_id for row in page.rows])
        return page.answer(lambda row: artifact_to_proto(row, inputs[row.job_id], self._kept))

    async def delete(self, owner: str, artifact_id: str) -> None:
        """Delete an artifact: it is found no more. Its package stays until it is purged.

        Raises:
            NotFound: The owner has none such; reason ARTIFACT_NOT_FOUND.
        """
        async with self._database.write() as conn:
            row = await _one(conn, _ID, owner, artifact_id)
            deleted = {"deleted_at": self._database.now()}
            await change_row(conn, job_artifacts, self._database, row.id, deleted)

    async def undelete(self, owner: str, artifact_id: str) -> None:
        """Bring a deleted artifact back; one that is not deleted stays as it is.

        Raises:
            NotFound: There is none such, or its time is over; reason ARTIFACT_NOT_FOUND.
        """
        among = restorable(job_artifacts, owner, self._database, self._kept)
        async with self._database.write() as conn:
            query = _select(_ID, among, artifact_id).with_for_update()
            found: str | None = await conn.scalar(query)
            if found is None:
                await _one(conn, _ID, owner, artifact_id)
            else:
                await change_row(conn, job_artifacts, self._database, found, {"deleted_at": None})

    async def insert(
        self, conn: AsyncConnection, package: VerifiedPackage, job: JobRow
    ) -> Artifact:
        """Insert what a job has made, within the caller's transaction."""
        now = self._database.now()
        statement = insert(job_artifacts).values(
            id=str(ULID()),
            owner=job.owner,
            kind=job.artifact_kind,
            job_id=job.id,
            artifacts_path=package.key,
            manifest_digest=package.manifest_digest,
            size_bytes=package.size_bytes,
            created_by=job.owner,
            created_at=now,
            updated_at=now,
        )
        row = (await conn.execute(statement.returning(*_ARTIFACTS))).one()
        return artifact_to_proto(row, job.inputs, self._kept)

    async def note_runs(self, run_ids: Mapping[str, str]) -> None:
        """Note the MLflow runs of artifacts, by artifact id; unknown ids are ignored."""
        async with self._database.write() as conn:
            await note_runs(conn, job_artifacts, self._database, run_ids)


async def _one(
    conn: Reader, columns: Sequence[ColumnElement[Any]], owner: str, artifact_id: str
) -> Row[Any]:
    query = _select(columns, visible(job_artifacts, owner), artifact_id)
    row: Row[Any] | None = (await conn.execute(query)).first()
    if row is None:
        raise _not_found(artifact_id)
    return row


def _select(
    columns: Sequence[ColumnElement[Any]],
    among: Sequence[ColumnElement[bool]],
    artifact_id: str,
) -> Select[Any]:
    # PostgreSQL fails at a text with a zero byte.
    named = _ARTIFACTS.id == artifact_id.upper() if is_id(artifact_id) else false()
    return select(*columns).where(*among, named)


def _not_found(artifact_id: str) -> NotFound:
    return NotFound(
        f"There is no artifact {artifact_id[:64]!r}.",
        reason="ARTIFACT_NOT_FOUND",
        field="artifact_id",
        metadata={"resource_type": "artifact", "resource_name": artifact_id[:64]},
    )
