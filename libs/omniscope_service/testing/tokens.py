"""Token files as a local suite makes them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from omniscope_service.rpc.auth import (
    SERVICE_TOKEN_FILE,
    USER_TOKEN_FILE,
    WORKER_TOKEN_FILE,
    LocalTokens,
)

if TYPE_CHECKING:
    from pathlib import Path


def write_tokens(home: Path) -> LocalTokens:
    """Make a home folder's three token files, each with mode 0600, and read them."""
    home.mkdir(parents=True, exist_ok=True)
    for name in (USER_TOKEN_FILE, SERVICE_TOKEN_FILE, WORKER_TOKEN_FILE):
        path = home / name
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return LocalTokens.read(home)
