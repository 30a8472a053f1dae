"""Makes the three secrets of a local suite: of its user, its services and its workers."""

import os
import secrets
from pathlib import Path

from omniscope_local.home import make_home

TOKEN_FILES = ("token", "service-token", "worker-token")


def ensure_tokens(home: Path) -> Path:
    """Make the home and the token files that are missing in it; leave the others as they are.

    Args:
        home: Home of the suite, made with mode 0700 when it is missing.

    Returns:
        The file with the user's token: 64 hexadecimal characters, mode 0600.
    """
    make_home(home)
    for name in TOKEN_FILES:
        path = home / name
        if not path.exists():
            _write_secret(path, secrets.token_hex(32))
    return home / "token"


def _write_secret(path: Path, secret: str) -> None:
    """Write a file that nobody else can read and that is never seen half written."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as file:  # noqa: PTH123
        file.write(secret)
    draft.replace(path)
