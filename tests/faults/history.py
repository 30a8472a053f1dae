"""What clients, children and whoever hurts them were told or did, as it happened.

One JSON object a line, appended in one write each, so that a child of the fake trainer may record
beside the test. Standard library only: children import it.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

FILE = "history.jsonl"

Entry = dict[str, Any]


class History:
    """An append-only file; an entry is never changed.

    Entries, by their `what`:
        submitting: request_id. Before each call.
        acknowledged: request_id, job_id. The client was told so.
        seen: job_id, state, attempt, sequence, model_id. The answer to a poll.
        event: watch, job_id, sequence, covers. From a watch, in order; `covers` is the first
            sequence that it stands for.
        child: job_id, attempt, pid, born. A process of a training, by itself.
        step: job_id, attempt, step. A training has taken a step.
        gone: pid, born. The process has ended.
        fault: name, act. Somebody killed, paused or cut off a process, or ended that.
    """

    def __init__(self, home: Path) -> None:
        self._file = home / FILE

    def add(self, what: str, **about: object) -> None:
        """Append an entry with the time."""
        line = json.dumps({"at": time.time(), "what": what} | about) + "\n"
        descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def entries(self) -> list[Entry]:
        """Return everything so far, oldest first."""
        return self.since(0)[0]

    def since(self, position: int) -> tuple[list[Entry], int]:
        """Return the entries after a position, and the position after them; 0 is the start."""
        if not self._file.exists():
            return [], position
        with self._file.open("rb") as file:
            file.seek(position)
            data = file.read()
        return [json.loads(line) for line in data.splitlines()], position + len(data)
