"""Brings a database to the newest version of its tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Any number; registries that start together take turns by it.
_ADVISORY_LOCK = 7_310_571


def alembic_config() -> Config:
    """Return Alembic's configuration, for which the project has no alembic.ini."""
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
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
