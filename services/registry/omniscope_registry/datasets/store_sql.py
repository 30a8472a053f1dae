"""Datasets in the registry's database. The owner is part of every query."""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import false, insert, select, update
from sqlalchemy.exc import IntegrityError
from ulid import ULID

from omniscope_registry.datasets.columns_sql import column_rows, columns_query, insert_columns
from omniscope_registry.datasets.convert import dataset_to_proto
from omniscope_registry.datasets.records import DatasetRecord, NewDataset, dataset_key
from omniscope_registry.jobs.sql.inputs import open_jobs_reading
from omniscope_registry.jobs.values import StoredInput
from omniscope_registry.listing.keyset import fetch_page, reading
from omniscope_registry.tables.datasets import datasets
from omniscope_registry.tables.jobs import job_inputs
from omniscope_registry.versions import next_version
from omniscope_service import failpoints
from omniscope_service.errors import AlreadyExists, FailedPrecondition, NotFound
from omniscope_service.names import is_id, is_name

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope.common.v1.dataset_pb2 import Dataset, DatasetColumn
    from omniscope_registry.database import Database, Reader
    from omniscope_registry.listing.keyset import ListRequest

# A dataset may be read by thousands; an error's metadata holds so many.
_NAMED_JOBS: Final = 5
_VERSION: Final = re.compile(r"[1-9][0-9]{0,8}")
_FILTER_FIELDS: Final = {"name": datasets.c.name, "source_format": datasets.c.source_format}


_RECORD = [datasets.c[column.name] for column in fields(DatasetRecord)]


class SqlDatasetStore:
    """Keeps datasets; also the `InputSource` of jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self, conn: Reader, owner: str, ids: Collection[str], *, hold: bool = False
    ) -> dict[str, StoredInput]:
        """Return where the owner's datasets lie; see `jobs.ports.InputSource`."""
        query = select(datasets.c.id, datasets.c.digest).where(
            *_visible(owner), datasets.c.id.in_(ids)
        )
        if hold:
            query = query.order_by(datasets.c.id).with_for_update(read=True)
        return {
            row.id: StoredInput(dataset_key(row.digest), row.digest)
            for row in await conn.execute(query)
        }

    async def get(self, owner: str, id_or_name: str) -> DatasetRecord:
        """Return a dataset by id, the newest of a name, or the one called `name@version`.

        Raises:
            NotFound: The owner has none such; reason DATASET_NOT_FOUND.
        """
        async with self._database.read() as conn:
            row = (await conn.execute(_one(owner, id_or_name))).first()
        if row is None:
            raise _not_found(id_or_name)
        return _record(row)

    async def list_page(self, owner: str, request: ListRequest) -> tuple[list[Dataset], str]:
        """Return a page of the owner's datasets, and the token of the next page."""
        async with reading(self._database, request) as conn:
            return await fetch_page(
                conn,
                select(*_RECORD).where(datasets.c.deleted_at.is_(None)),
                request=request,
                owner=owner,
                key=datasets.c.id,
                fields=_FILTER_FIELDS,
                to_proto=lambda row: dataset_to_proto(_record(row)),
            )

    async def columns(
        self, digest: str, *, after: int, limit: int, names: Sequence[str]
    ) -> list[bytes]:
        """Return serialized `DatasetColumn`s in the table's order.

        Args:
            digest: Of the stored bytes, from a row that the caller may see.
            after: Position to start behind; -1 for the first page.
            limit: How many at most.
            names: Only these; empty: all.
        """
        query = columns_query(digest, after=after, limit=limit, names=names)
        async with self._database.read() as conn:
            return list((await conn.execute(query)).scalars())

    async def find_request(
        self, owner: str, request_id: str, request_hash: str
    ) -> DatasetRecord | None:
        """Return what an earlier upload with this request id made; None when there was none.

        Raises:
            AlreadyExists: The id came with another payload; reason REQUEST_ID_REUSED.
        """
        query = select(*_RECORD).where(
            datasets.c.owner == owner, datasets.c.request_id == request_id
        )
        async with self._database.read() as conn:
            row = (await conn.execute(query)).first()
        if row is not None and row.request_hash != request_hash:
            raise AlreadyExists(
                f"request_id {request_id!r} was used for another upload within the last 24 h; "
                "make a new one for each upload.",
                reason="REQUEST_ID_REUSED",
                field="request_id",
            )
        return None if row is None else _record(row)

    async def insert(self, new: NewDataset, columns: Sequence[DatasetColumn]) -> DatasetRecord:
        """Store a dataset as the next version of its name.

        Of two uploads with one request id at the same time, the second gets what the first made.

        Raises:
            AlreadyExists: As `find_request`.
        """
        rows = await asyncio.to_thread(column_rows, new.digest, columns)
        try:
            async with self._database.write() as conn:
                await insert_columns(conn, new.digest, rows)
                return await self._insert_row(conn, new)
        except IntegrityError:
            if new.request_id is None or new.request_hash is None:
                raise
            made = await self.find_request(new.owner, new.request_id, new.request_hash)
            if made is None:
                raise
            return made

    async def delete(self, owner: str, id_or_name: str) -> None:
        """Delete a dataset. Its bytes stay: other datasets may share them. Its request id is free.

        Raises:
            NotFound: The owner has none such; reason DATASET_NOT_FOUND.
            FailedPrecondition: Jobs that have not ended read it; reason DATASET_IN_USE.
        """
        async with self._database.write() as conn:
            # Locked before its jobs are looked for: a submission that came first is seen, one
            # that comes later waits, and finds no dataset.
            row = (await conn.execute(_one(owner, id_or_name).with_for_update())).first()
            if row is None:
                raise _not_found(id_or_name)
            jobs = await open_jobs_reading(
                conn, owner, job_inputs.c.dataset_id, row.id, _NAMED_JOBS + 1
            )
            if jobs:
                raise _in_use(id_or_name, jobs)
            await conn.execute(
                update(datasets)
                .where(datasets.c.id == row.id)
                .values(deleted_at=self._database.now(), request_id=None, request_hash=None)
            )
            await failpoints.reach("delete_dataset.before_commit")

    async def _insert_row(self, conn: AsyncConnection, new: NewDataset) -> DatasetRecord:
        version = await next_version(conn, datasets, new.owner, new.name)
        statement = insert(datasets).values(
            **asdict(new), id=str(ULID()), version=version, created_at=self._database.now()
        )
        row = await conn.execute(statement.returning(*_RECORD))
        return _record(row.one())


def _visible(owner: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return datasets.c.owner == owner, datasets.c.deleted_at.is_(None)


def _one(owner: str, id_or_name: str) -> Select[Any]:
    query = select(*_RECORD).where(*_visible(owner))
    if is_id(id_or_name):
        return query.where(datasets.c.id == id_or_name.upper())
    name, _, version = id_or_name.partition("@")
    # PostgreSQL fails at a text with a zero byte, and at a number that is no version.
    if not is_name(name) or (version and not _VERSION.fullmatch(version)):
        return query.where(false())
    query = query.where(datasets.c.name == name)
    if version:
        return query.where(datasets.c.version == int(version))
    return query.order_by(datasets.c.version.desc()).limit(1)


def _in_use(id_or_name: str, jobs: Sequence[str]) -> FailedPrecondition:
    named = ", ".join(jobs[:_NAMED_JOBS]) + (" and others" if len(jobs) > _NAMED_JOBS else "")
    return FailedPrecondition(
        f"Dataset {id_or_name!r} is needed by jobs that have not ended: {named}. Cancel them, or "
        "wait for their end.",
        reason="DATASET_IN_USE",
        field="dataset_id",
        metadata={"job_id": jobs[0]},
    )


def _record(row: Row[Any]) -> DatasetRecord:
    return DatasetRecord(**row._asdict())


def _not_found(id_or_name: str) -> NotFound:
    return NotFound(
        f"There is no dataset {id_or_name!r}.",
        reason="DATASET_NOT_FOUND",
        field="dataset_id",
        metadata={"resource_type": "dataset", "resource_name": id_or_name},
    )
