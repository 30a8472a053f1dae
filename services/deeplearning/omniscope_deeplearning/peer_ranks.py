"""The other ranks of a training as rank 0 sees them: started, monitored, ended."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from omniscope_deeplearning.memory import TrainingMemoryError
from omniscope_deeplearning.stop_request import TERMINATED, StopRequest
from omniscope_service.jobs.report import LostProcessError

_LOOK_SECONDS = 0.1
# A connection to a process that died breaks before its exit status can be read.
_STATUS_SECONDS = 10.0
# On GPUs a process waits minutes for one that died, and nothing but its own end ends that.
_EXIT_SECONDS = 20.0
_ABANDONED = 70


class PeerRanks:
    """Processes that share a training with this one, which is rank 0.

    Args:
        command: Starts one; its rank is added.
        size: How many processes there are with this one.
        folder: Where those that fail record their error.
    """

    def __init__(self, command: list[str], size: int, folder: Path) -> None:
        self._size, self._folder = size, folder
        self._processes = [subprocess.Popen([*command, str(rank)]) for rank in range(1, size)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def wait_until(self, ready: Callable[[], bool], stop: StopRequest) -> None:
        """Wait for the others, which import their libraries first.

        Raises:
            LostProcessError, TrainingMemoryError: One of them has ended instead.
            SystemExit: The worker asked for the end.
        """
        while not ready():
            self._raise_if_one_failed()
            if stop.end:
                raise SystemExit(TERMINATED)
            time.sleep(_LOOK_SECONDS)

    @contextmanager
    def monitored(self) -> Iterator[None]:
        """Raise the error of a rank that dies; else it is only seen not to answer.

        Raises:
            LostProcessError, TrainingMemoryError: Instead of what came of its death.
        """
        over = threading.Event()
        threading.Thread(target=self._exit_after_a_peer, args=(over,), daemon=True).start()
        try:
            yield
        except RuntimeError:
            latest = time.monotonic() + _STATUS_SECONDS
            while time.monotonic() < latest:
                self._raise_if_one_failed()
                time.sleep(_LOOK_SECONDS)
            raise
        finally:
            over.set()

    def _exit_after_a_peer(self, over: threading.Event) -> None:
        """End this process when another one has died and nothing has come of it for long."""
        while not over.wait(_LOOK_SECONDS):
            failure = self._first_failure()
            if failure is not None and not over.wait(_EXIT_SECONDS):
                sys.stderr.write(f"{failure}, and the training waits for it in vain.\n")
                sys.stderr.flush()
                os._exit(_ABANDONED)

    def _raise_if_one_failed(self) -> None:
        failure = self._first_failure()
        if failure is not None:
            raise failure

    def _first_failure(self) -> Exception | None:
        """Return the error for one that died, if possible not one that died of another's death."""
        ended = {rank: process.poll() for rank, process in enumerate(self._processes, start=1)}
        died = {r: status for r, status in ended.items() if status not in (None, 0, TERMINATED)}
        for rank, status in died.items():
            if not _error_file(self._folder, rank).exists():
                return self._lost(rank, status)
        for rank in ended:
            if _error_file(self._folder, rank).exists():
                return self._failed(rank)
        return None

    def _lost(self, rank: int, status: int) -> Exception:
        how = f"ended with status {status}"
        if status < 0:
            how = f"was ended by {signal.Signals(-status).name}"
        return LostProcessError(f"{self._named(rank)} {how}")

    def _failed(self, rank: int) -> Exception:
        """Return the recorded error of a rank: it is recorded before its connections break."""
        recorded = json.loads(_error_file(self._folder, rank).read_text(encoding="utf-8"))
        if recorded["out_of_memory"]:
            return TrainingMemoryError(f"in {self._named(rank)}, {recorded['text']}")
        return LostProcessError(f"{self._named(rank)} failed: {recorded['text']}")

    def _named(self, rank: int) -> str:
        return f"rank {rank} of the {self._size} processes that share the training"


@contextmanager
def record_error(folder: Path, rank: int) -> Iterator[None]:
    """Record the error that a rank fails with where rank 0 finds it."""
    try:
        yield
    except Exception as error:
        short = isinstance(error, MemoryError)
        text = str(error) if short else f"{type(error).__name__}: {error}"
        recorded = json.dumps({"out_of_memory": short, "text": text})
        # Whole or not at all: rank 0 looks at any time.
        unfinished = _error_file(folder, rank).with_suffix(".part")
        unfinished.write_text(recorded, encoding="utf-8")
        unfinished.replace(_error_file(folder, rank))
        raise


def _error_file(folder: Path, rank: int) -> Path:
    return folder / f"rank-{rank}.json"
