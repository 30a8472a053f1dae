"""Brings a database to the newest version of its tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

# Any number; registries that start together take turns by it.
_ADVISORY_LOCK = 7_310_571
_VERSIONS = Path(__file__).parent / "versions"


def newest_revision() -> str:
    """Return the revision of the newest migration: their files' names begin with them."""
    return max(path.name[:4] for path in _VERSIONS.glob("[0-9][0-9][0-9][0-9]_*.py"))


def alembic_config() -> Config:
    """Return Alembic's configuration, for which the project has no alembic.ini."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


def upgrade(connection: Connection) -> None:
    """Apply, within the connection's transaction, the migrations that are missing."""
    if connection.dialect.name == "postgresql":
        # A migration may take as long as it takes.
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
    if is_newest(connection):
        return
    from alembic import command

    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    if connection.dialect.name == "sqlite":
        _require_whole_references(connection)


def _require_whole_references(connection: Connection) -> None:
    broken = connection.execute(text("PRAGMA foreign_key_check")).first()
    if broken is not None:
        raise LookupError(f"a row of {broken[0]} refers to a row of {broken[2]} that is not there")


def is_newest(connection: Connection) -> bool:
    """Tell whether no migration is missing."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return bool(revision == newest_revision())
