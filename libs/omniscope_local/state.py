"""`state.json`: what runs where, for clients and for `omniscope status`."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

STATE_NAME = "state.json"


@dataclass(frozen=True)
class ProcessState:
    """One line of `state.json`.

    Attributes:
        pid: Process id.
        address: `host:port`; empty for a process that only works.
        log: Path of its log.
        restarts: How often it was started again after it had ended by itself.
        description: What a caller finds there, in a few words.
    """

    pid: int
    address: str
    log: str
    restarts: int = 0
    description: str = ""


def write_state(home: Path, processes: Iterable[tuple[str, ProcessState]]) -> None:
    """Write what runs where; a reader sees the old file or the new one, nothing between."""
    draft = home / f".{STATE_NAME}.{os.getpid()}"
    draft.write_text(json.dumps({name: asdict(state) for name, state in processes}, indent=2))
    draft.replace(home / STATE_NAME)


def read_state(home: Path) -> dict[str, ProcessState]:
    """Return what runs where by name; empty when nothing does."""
    try:
        written = json.loads((home / STATE_NAME).read_text())
    except FileNotFoundError:
        return {}
    return {name: ProcessState(**fields) for name, fields in written.items()}


def remove_state(home: Path) -> None:
    """Say that nothing runs."""
    (home / STATE_NAME).unlink(missing_ok=True)
