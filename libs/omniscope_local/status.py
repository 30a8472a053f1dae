"""How the processes of a running suite are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from omniscope_local.home import running_pid
from omniscope_local.programs import probe_of
from omniscope_local.state import ProcessState, read_state

Condition = Literal["serving", "running", "not answering", "gone"]


@dataclass(frozen=True)
class ProcessStatus:
    """One process of a suite.

    Attributes:
        name: Its name.
        state: `serving`: it answers; `running`: it has no address to ask; `not answering`; `gone`.
        pid: Process id.
        address: `host:port`; empty for a process that only works.
        memory_bytes: Resident memory, its children's included; 0 when it is gone.
        restarts: How often it was started again after it had ended by itself.
    """

    name: str
    state: Condition
    pid: int
    address: str
    memory_bytes: int
    restarts: int


def suite_status(home: Path) -> list[ProcessStatus]:
    """Return how the processes of a home's suite are; empty when none runs."""
    if running_pid(home) is None:
        return []
    return [_status(name, written) for name, written in read_state(home).items()]


def _status(name: str, written: ProcessState) -> ProcessStatus:
    memory = _memory(written.pid)
    return ProcessStatus(
        name=name,
        state=_condition(name, written, memory),
        pid=written.pid,
        address=written.address,
        memory_bytes=memory,
        restarts=written.restarts,
    )


def _condition(name: str, written: ProcessState, memory: int) -> Condition:
    if not memory:
        return "gone"
    if not written.address:
        return "running"
    return "serving" if probe_of(name)(written.address) else "not answering"


def _memory(pid: int) -> int:
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    return sum(_resident(member) for member in family)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:  # a child that has ended meanwhile
        return 0
