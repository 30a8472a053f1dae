"""Who calls: identities, their tokens, and the caller of the request that is being served."""

from __future__ import annotations

import hmac
import os
import re
import stat
from contextvars import ContextVar
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from omniscope_service.errors import ConfigurationError, Unauthenticated

if TYPE_CHECKING:
    from pathlib import Path

AUTHORIZATION_KEY = "authorization"
"""Metadata key of the calling process's own token, as `Bearer <token>`."""
CALLER_TOKEN_KEY = "omniscope-caller-token"  # noqa: S105 - a metadata key, not a secret
"""Metadata key of the token of the user that a service acts for."""
USER_TOKEN_FILE = "token"  # noqa: S105 - a file name
SERVICE_TOKEN_FILE = "service-token"  # noqa: S105 - a file name
WORKER_TOKEN_FILE = "worker-token"  # noqa: S105 - a file name


class Role(StrEnum):
    """A role of an identity; `omniscope_service.rpc.policy` says which role may call what."""

    VIEWER = "viewer"
    TRAINER = "trainer"
    OPERATOR = "operator"
    ADMIN = "admin"
    WORKER = "worker"
    SERVICE = "service"


@dataclass(frozen=True)
class Identity:
    """A verified identity."""

    subject: str
    roles: frozenset[Role]


class TokenVerifier(Protocol):
    """Tells whose token it is."""

    async def verify(self, token: str) -> Identity:
        """Return the identity of a token. Raises `Unauthenticated` for any that is not valid."""
        ...


@dataclass(frozen=True)
class Caller:
    """For whom a request is served.

    Attributes:
        subject: The owner of what the request makes and sees: the user, also behind a service.
        roles: The user's roles; those of the process itself for workers and internal calls.
        token: The user's unaltered token, to be sent along to other services.
    """

    subject: str
    roles: frozenset[Role]
    token: str = dataclass_field(repr=False)


_caller: ContextVar[Caller] = ContextVar("omniscope_caller")


def current_caller() -> Caller:
    """Return the caller of the request that is being served.

    Raises:
        LookupError: Outside of a request, or in a method that needs no identity.
    """
    return _caller.get()


def bind_caller(caller: Caller) -> None:
    """Make a caller the current one in this task."""
    _caller.set(caller)


_LOCAL_USER = Identity("local", frozenset({Role.VIEWER, Role.TRAINER, Role.OPERATOR, Role.ADMIN}))
_LOCAL_SERVICE = Identity("service", frozenset({Role.SERVICE}))
_LOCAL_WORKER = Identity("worker", frozenset({Role.WORKER}))
_TOKEN_FORM = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class LocalTokens:
    """The three random tokens of a suite on one machine, and the verifier of them."""

    user: str = dataclass_field(repr=False)
    service: str = dataclass_field(repr=False)
    worker: str = dataclass_field(repr=False)

    @classmethod
    def read(cls, home: Path) -> LocalTokens:
        """Read the token files of a home folder.

        Raises:
            ConfigurationError: A file is missing, readable by others, or holds no token.
        """
        return cls(
            user=_read_token(home / USER_TOKEN_FILE),
            service=_read_token(home / SERVICE_TOKEN_FILE),
            worker=_read_token(home / WORKER_TOKEN_FILE),
        )

    async def verify(self, token: str) -> Identity:
        """Return the identity of a token, in a time that does not depend on its text."""
        offered = token.encode()
        found: Identity | None = None
        for known, identity in (
            (self.user, _LOCAL_USER),
            (self.service, _LOCAL_SERVICE),
            (self.worker, _LOCAL_WORKER),
        ):
            if hmac.compare_digest(offered, known.encode()):
                found = identity
        if found is None:
            raise Unauthenticated("The token is not valid here.", reason="TOKEN_INVALID")
        return found


def _read_token(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        token = path.read_text().strip()
    except OSError as err:
        raise ConfigurationError(
            f"Cannot read the token file {path}: {err.strerror}. `omniscope up` makes it."
        ) from err
    if mode & (stat.S_IRWXG | stat.S_IRWXO) and os.name == "posix":
        raise ConfigurationError(
            f"The token file {path} is open to others (mode {stat.S_IMODE(mode):04o}); "
            "make it 0600."
        )
    if not _TOKEN_FORM.fullmatch(token):
        raise ConfigurationError(f"The file {path} holds no token of 64 hexadecimal characters.")
    return token
