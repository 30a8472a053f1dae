"""The entry of a service: declared once, for everybody who starts, reaches or describes it.

A service's package has it in a module `entry`, which imports nothing else, and its distribution
names it as an entry point of the group `omniscope.services`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

ResourceClass = Literal["cpu", "gpu"]
"""The resources that a worker has for its jobs."""
JOB_ROLES: Final[Mapping[str, str]] = {"serve": "the API", "work": "the jobs", "all": "both"}
"""Roles of a service that runs jobs."""
_NAME: Final = re.compile(r"[a-z][a-z0-9]*")


@dataclass(frozen=True, kw_only=True)
class SuiteProcess:
    """A process of a service, as a suite on one machine runs it.

    Attributes:
        name: Name in `omniscope status` and of its log.
        role: Role of the service that it runs.
        description: What a caller finds there, in a few words.
        serves: It answers at the service's address; False: it only works.
        stop_stage: Place in the order of stopping, from 0: 1 for what works on jobs, 2 for the
            registry, which those still talk to.
        stop_seconds: How long it may take to end by itself before it is killed.
    """

    name: str
    role: str
    description: str
    serves: bool = True
    stop_stage: int = 1
    stop_seconds: float = 15.0


@dataclass(frozen=True, kw_only=True)
class ServiceEntry:
    """A service of the suite.

    Attributes:
        name: Lower-case letters and digits: of its jobs, its port, its variables and its cluster.
        package: Python package; `python -m <package> <role>` runs it.
        protos: Generated modules that define its gRPC services, public and internal ones.
        description: What it does, in a few words.
        roles: What a process does, by the role that it is started in.
        resource_classes: Kinds of jobs that its workers can take; none: it runs no jobs.
        processes: What a suite on one machine runs of it. Default: one with the role `all`, which
            gets time to leave a checkpoint.
    """

    name: str
    package: str
    protos: tuple[str, ...]
    description: str
    roles: Mapping[str, str] = field(default_factory=lambda: JOB_ROLES)
    resource_classes: tuple[ResourceClass, ...] = ("cpu",)
    processes: tuple[SuiteProcess, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"a service's name is lower-case letters and digits, not {self.name!r}"
            )
        if not self.processes:
            process = SuiteProcess(
                name=self.name, role="all", description=self.description, stop_seconds=40.0
            )
            object.__setattr__(self, "processes", (process,))
