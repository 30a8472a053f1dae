"""Who may call which method, as the protos state it. What they do not state is refused."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from omniscope.common.v1 import method_policy_pb2
from omniscope_service.rpc.auth import Role
from omniscope_suite.methods import find_method, method_policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_USERS: Final = (Role.VIEWER, Role.TRAINER, Role.OPERATOR, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy of a method's calls.

    Attributes:
        roles: Who may call it; one of them is enough. None of them: nobody.
        caller_roles: What the user must be for whom a service calls; empty where services call
            for themselves.
        anonymous: It needs no identity.
        endless: Its stream ends only when its watcher or the server goes.
        timeout_seconds: What a unary call gets that names no deadline; 0: the default.
    """

    roles: frozenset[Role] = frozenset()
    caller_roles: frozenset[Role] = frozenset()
    anonymous: bool = False
    endless: bool = False
    timeout_seconds: int = 0


_ROLES: Final[Mapping[int, Role]] = {
    method_policy_pb2.Role.Value(f"ROLE_{role.name}"): role for role in Role
}
_UNSTATED: Final = Policy()
# Protos of gRPC itself. Probes carry no identity, and the answer is a single word.
_HEALTH: Final = "/grpc.health.v1.Health"
_REFLECTION: Final = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
_OF_GRPC: Final[Mapping[str, Policy]] = {
    f"{_HEALTH}/Check": Policy(anonymous=True),
    f"{_HEALTH}/Watch": Policy(anonymous=True, endless=True),
    # Clients keep it open.
    _REFLECTION: Policy(frozenset(Role), endless=True),
}


@lru_cache(maxsize=1024)
def policy_of(path: str) -> Policy:
    """Return what holds for a method, by its path `/package.Service/Method`."""
    if path in _OF_GRPC:
        return _OF_GRPC[path]
    method = find_method(path)
    stated = method_policy(method) if method else None
    if stated is None:
        return _UNSTATED
    return Policy(
        roles=_granted(stated.roles),
        caller_roles=_granted(stated.caller_roles),
        endless=stated.endless,
        timeout_seconds=stated.timeout_seconds,
    )


def _granted(stated: Iterable[int]) -> frozenset[Role]:
    """Return the roles that are enough: those stated, and the users above them."""
    roles = {_ROLES[number] for number in stated if number in _ROLES}
    above = {higher for role in roles & {*_USERS} for higher in _USERS[_USERS.index(role) :]}
    return frozenset(roles | above)
