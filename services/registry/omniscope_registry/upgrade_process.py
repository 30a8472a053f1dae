"""Upgrades a database in a process that is gone afterwards, with all that it has imported.

`python -m omniscope_registry.upgrade_process` is that process; the database is that of
OMNISCOPE_DATABASE_URL.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Final

from omniscope_registry.database import Database
from omniscope_service.app import EXIT_CONFIGURATION
from omniscope_service.errors import ConfigurationError

_URL: Final = "OMNISCOPE_DATABASE_URL"


async def upgrade_in_child(url: str) -> None:
    """Start the process and wait for its end.

    Alembic takes 12 MB, and a registry that runs does not need it again.

    Args:
        url: As for `Database.open`.

    Raises:
        ConfigurationError: The database cannot be upgraded; the message is the process's own.
    """
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __spec__.name),
        # Not an argument: everybody on a machine may read those, and a URL may hold a password.
        env={**os.environ, _URL: url},
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, output = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        lines = output.decode(errors="replace").strip().splitlines()
        raise ConfigurationError(f"The database was not upgraded: {lines[-1] if lines else ''}")


async def _upgrade() -> None:
    database = await Database.open(os.environ[_URL])
    await database.close()


if __name__ == "__main__":
    try:
        asyncio.run(_upgrade())
    except ConfigurationError as error:
        print(error, file=sys.stderr)  # noqa: T201 - for whoever started the process
        sys.exit(EXIT_CONFIGURATION)
