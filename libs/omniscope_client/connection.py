"""Finds where the suite answers and with which token: from the environment or a local home."""

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import grpc

from omniscope_client.errors import OmniscopeError

HOME_NAME = ".omniscope"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
CHANNEL_OPTIONS = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
)


@dataclass(frozen=True)
class Endpoint:
    """Where to call, and as whom.

    Attributes:
        address: `host:port`.
        token: Bearer token.
        secure: Whether to speak TLS.
    """

    address: str
    token: str = field(repr=False)
    secure: bool = False

    def channel(self) -> grpc.Channel:
        """Open a channel; nothing is sent before the first call."""
        if self.secure:
            credentials = grpc.ssl_channel_credentials()
            return grpc.secure_channel(self.address, credentials, options=CHANNEL_OPTIONS)
        return grpc.insecure_channel(self.address, options=CHANNEL_OPTIONS)


def find_home(start: Path | None = None) -> Path | None:
    """Return `OMNISCOPE_HOME`, or the nearest `.omniscope` in `start` or above it.

    Args:
        start: Folder to begin in. Default: the working directory.
    """
    if named := os.environ.get("OMNISCOPE_HOME"):
        return Path(named).expanduser().resolve()
    start = (start or Path.cwd()).resolve()
    return next((f / HOME_NAME for f in (start, *start.parents) if (f / HOME_NAME).is_dir()), None)


def find_endpoint(address: str | None = None, token: str | None = None) -> Endpoint:
    """Return where the suite answers.

    Args:
        address: `host:port`, or a URL with `http` or `https`. Default: `OMNISCOPE_ADDRESS`, else
            the gateway of the home's `state.json`. Without a scheme, loopback means plain text and
            everything else TLS, so that a token does not cross a network in the clear by accident.
        token: Bearer token. Default: the content of `OMNISCOPE_TOKEN_FILE`, else of the home's
            file `token`.

    Raises:
        OmniscopeError: FAILED_PRECONDITION, when either cannot be found; the message says how to
            give it.
    """
    address = address or os.environ.get("OMNISCOPE_ADDRESS") or _address_of_home()
    target, secure = _parse(address)
    return Endpoint(target, token or _read_token(), secure)


def _address_of_home() -> str:
    home = find_home()
    if home is None:
        raise _missing(
            "No suite found: start one with `omniscope up --detach`, or set OMNISCOPE_ADDRESS and "
            "OMNISCOPE_TOKEN_FILE."
        )
    try:
        state = json.loads((home / "state.json").read_text())
        return str(state["gateway"]["address"])
    except (FileNotFoundError, KeyError):
        raise _missing(
            f"The suite of {home} is not running: start it with `omniscope up --detach`."
        ) from None


def _read_token() -> str:
    named, home = os.environ.get("OMNISCOPE_TOKEN_FILE"), find_home()
    if not named and home is None:
        raise _missing("No token: set OMNISCOPE_TOKEN_FILE to the file that holds it.")
    path = Path(named).expanduser() if named else (home or Path()) / "token"
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _missing(
            f"Cannot read the token file {path} ({error}): set OMNISCOPE_TOKEN_FILE."
        ) from None
    if not re.fullmatch("[!-~]+", token):
        raise _missing(f"The file {path} does not hold a token: set OMNISCOPE_TOKEN_FILE.")
    return token


def _parse(address: str) -> tuple[str, bool]:
    """Split an address into `host:port` and whether to speak TLS."""
    url = urlsplit(address if "://" in address else f"//{address}")
    if url.scheme not in ("", "http", "https") or not url.hostname or not _has_valid_port(address):
        raise OmniscopeError(
            "INVALID_ARGUMENT",
            f"The address {address!r} is neither host:port nor an http or https URL: set "
            "OMNISCOPE_ADDRESS.",
            reason="ADDRESS_INVALID",
        )
    secure = url.scheme == "https" or (not url.scheme and url.hostname not in LOOPBACK)
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    return f"{host}:{url.port or (443 if secure else 80)}", secure


def _has_valid_port(address: str) -> bool:
    try:
        urlsplit(address if "://" in address else f"//{address}").port  # noqa: B018 - it parses
    except ValueError:
        return False
    return True


def _missing(message: str) -> OmniscopeError:
    return OmniscopeError("FAILED_PRECONDITION", message, reason="SUITE_NOT_FOUND")
