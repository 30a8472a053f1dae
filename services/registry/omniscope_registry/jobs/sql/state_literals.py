"""States as SQL literals: written out, not bound, or a partial index over a state is not used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import String, literal_column

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

QUEUED: ColumnElement[str] = literal_column("'queued'", String)
RUNNING: ColumnElement[str] = literal_column("'running'", String)
