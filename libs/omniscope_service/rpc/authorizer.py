"""Decides whether a call may be made, from its metadata, the identities and the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope_service.errors import PermissionDenied, Unauthenticated
from omniscope_service.rpc.auth import (
    AUTHORIZATION_KEY,
    CALLER_TOKEN_KEY,
    Caller,
    Identity,
    Role,
    TokenVerifier,
)
from omniscope_service.rpc.policy import Policy, policy_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_BEARER = "bearer "
_MAX_TOKEN_CHARACTERS = 8 * 1024
_PROCESS_ROLES = frozenset({Role.SERVICE, Role.WORKER})


class Authorizer:
    """Applies the methods' policies to verified identities; refuses methods without one."""

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier

    async def authorize(
        self, method: str, metadata: Iterable[tuple[str, str | bytes]]
    ) -> Caller | None:
        """Return for whom a call is made, None for a method that needs no identity.

        Raises:
            Unauthenticated: No valid token; or a service that names nobody to act for.
            PermissionDenied: The caller is known and may not make this call.
        """
        policy = policy_of(method)
        if policy.anonymous:
            return None
        tokens = _read_tokens(metadata)
        identity = await self._verify(tokens.get(AUTHORIZATION_KEY, ""))
        if not policy.roles:
            raise PermissionDenied(f"{method} is open to nobody.", reason="METHOD_NOT_ALLOWED")
        caller_token = tokens.get(CALLER_TOKEN_KEY)
        if Role.SERVICE in identity.roles:
            return await self._behind_service(method, policy, identity, tokens)
        if caller_token is not None:
            raise PermissionDenied(
                f"Only services act for others; {identity.subject!r} sent {CALLER_TOKEN_KEY}.",
                reason="CALLER_TOKEN_NOT_ALLOWED",
            )
        token = _without_scheme(tokens[AUTHORIZATION_KEY])
        return _permitted(method, policy.roles, identity, token)

    async def _behind_service(
        self, method: str, policy: Policy, service: Identity, tokens: dict[str, str]
    ) -> Caller:
        """Return the user behind a service; the service itself where it acts for nobody."""
        if Role.SERVICE in policy.roles and not policy.caller_roles:
            return Caller(
                service.subject, service.roles, _without_scheme(tokens[AUTHORIZATION_KEY])
            )
        token = tokens.get(CALLER_TOKEN_KEY)
        if token is None:
            raise Unauthenticated(
                f"A service calls {method} for a user: {CALLER_TOKEN_KEY} is missing.",
                reason="CALLER_TOKEN_MISSING",
            )
        user = await self._verifier.verify(token)
        if user.roles & _PROCESS_ROLES:
            raise PermissionDenied(
                f"{CALLER_TOKEN_KEY} must be a user's token, not that of {user.subject!r}.",
                reason="CALLER_TOKEN_NOT_ALLOWED",
            )
        return _permitted(method, policy.caller_roles or policy.roles, user, token)

    async def _verify(self, authorization: str) -> Identity:
        if not authorization:
            raise Unauthenticated(
                f"A token is needed: send the metadata `{AUTHORIZATION_KEY}: Bearer <token>`.",
                reason="TOKEN_MISSING",
            )
        if not authorization.lower().startswith(_BEARER):
            raise Unauthenticated(
                f"The metadata `{AUTHORIZATION_KEY}` must have the form `Bearer <token>`.",
                reason="TOKEN_MALFORMED",
            )
        return await self._verifier.verify(_without_scheme(authorization))


def _read_tokens(metadata: Iterable[tuple[str, str | bytes]]) -> dict[str, str]:
    tokens: dict[str, str] = {}
    for key, value in metadata:
        if key not in (AUTHORIZATION_KEY, CALLER_TOKEN_KEY):
            continue
        if key in tokens or not isinstance(value, str) or len(value) > _MAX_TOKEN_CHARACTERS:
            raise Unauthenticated(
                f"The metadata `{key}` must be there once, with at most {_MAX_TOKEN_CHARACTERS} "
                "characters.",
                reason="TOKEN_MALFORMED",
            )
        tokens[key] = value
    return tokens


def _without_scheme(authorization: str) -> str:
    return authorization[len(_BEARER) :].strip()


def _permitted(method: str, allowed: frozenset[Role], identity: Identity, token: str) -> Caller:
    if not allowed & identity.roles:
        raise PermissionDenied(
            f"{identity.subject!r} may not call {method}: it needs one of the roles "
            f"{', '.join(sorted(allowed))}.",
            reason="ROLE_NOT_ALLOWED",
        )
    return Caller(identity.subject, identity.roles, token)
