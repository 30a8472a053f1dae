"""Stored requests by the numbers of fields that all requests of trainings share."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import op
from google.protobuf.any_pb2 import Any
from google.protobuf.empty_pb2 import Empty
from google.protobuf.unknown_fields import UnknownFieldSet

if TYPE_CHECKING:
    from collections.abc import Mapping

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# By type, the new number of each field by its old one.
_NUMBERS = {
    "type.googleapis.com/omniscope.automl.v1.TrainRequest": {
        1: 1, 2: 2, 3: 3, 4: 5, 5: 40, 6: 41, 7: 7, 8: 4, 9: 8, 10: 12, 11: 14, 12: 42, 13: 43,
        14: 44, 15: 6, 16: 16, 17: 17, 18: 18, 19: 19, 20: 20, 21: 21, 22: 22, 23: 15, 24: 9,
        25: 10, 26: 11, 27: 13,
    },
    "type.googleapis.com/omniscope.deeplearning.v1.TrainRequest": {
        1: 1, 2: 2, 3: 3, 4: 5, 5: 40, 6: 41, 7: 42, 8: 43, 9: 44, 10: 45, 11: 46, 12: 47, 13: 48,
        14: 49, 15: 23, 16: 7, 17: 4, 18: 8, 19: 9, 20: 10, 21: 11, 22: 12, 23: 13, 24: 14, 25: 6,
        26: 15, 27: 16, 28: 17, 29: 18, 30: 19, 31: 20, 32: 21, 33: 22,
    },
}  # fmt: skip
_PAGE = 1000

_JOBS = sa.table("training_jobs", sa.column("id", sa.String), sa.column("config", sa.LargeBinary))
_READ = (
    sa.select(_JOBS).where(_JOBS.c.id > sa.bindparam("after")).order_by(_JOBS.c.id).limit(_PAGE)
)
_WRITE = (
    sa.update(_JOBS)
    .where(_JOBS.c.id == sa.bindparam("job"))
    .values(config=sa.bindparam("renumbered"))
)


def upgrade() -> None:
    connection, after = op.get_bind(), ""
    while jobs := connection.execute(_READ, {"after": after}).all():
        connection.execute(
            _WRITE, [{"job": job.id, "renumbered": _request(job.config)} for job in jobs]
        )
        after = jobs[-1].id


def _request(stored: bytes) -> bytes:
    request = Any.FromString(stored)
    if numbers := _NUMBERS.get(request.type_url):
        request.value = _renumbered(request.value, numbers)
    return request.SerializeToString(deterministic=True)


def _renumbered(message: bytes, numbers: Mapping[int, int]) -> bytes:
    """Return a message with other numbers for its fields, in the order of the new ones."""
    found = UnknownFieldSet(Empty.FromString(message))
    fields = [
        (numbers[field.field_number], field.wire_type, field.data)
        for field in map(found.__getitem__, range(len(found)))
    ]
    return b"".join(_encoded(*field) for field in sorted(fields, key=itemgetter(0)))


def _encoded(number: int, wire_type: int, data: int | bytes) -> bytes:
    tag = _varint(number << 3 | wire_type)
    match wire_type, data:
        case 0, int():
            return tag + _varint(data)
        case 2, bytes():
            return tag + _varint(len(data)) + data
    raise ValueError(f"field {number} has wire type {wire_type}, which no such request has")


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])
