"""The process that trains: `python -m omniscope_service.jobs.child --trainer M --frames FD`.

It imports the trainer's libraries, says that it is ready, waits for one job, runs it and ends. It
has no network credentials and imports neither grpc nor nats: a spec and paths come in as a frame
on stdin, reports and the result go out as frames on the given descriptor, and what is printed
becomes log lines.

A trainer is a module with

    def warm() -> None
    def train(spec: Mapping[str, object], paths: JobPaths, report: Report) -> TrainingOutcome

`warm` imports the heavy libraries; `train` writes the package, `manifest.json` last. An exception
of it with the attributes `reason` (UPPER_SNAKE) and `field` blames the request or the data; a
MemoryError may say how much there was and what would need less; LostProcessError tells of a crash.
SIGTERM asks it to end, SIGUSR1 to finish at a limit with what it has: by default the process dies
at once; a trainer that can do better installs handlers and has 20 s, and 60 s to finish.
"""

import argparse
import ctypes
import importlib
import os
import re
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from omniscope_service.jobs.checkpoints.writer import CheckpointWriter
from omniscope_service.jobs.frames import Frame, receive_frame, send_frame
from omniscope_service.jobs.report import JobPaths, LostProcessError
from omniscope_service.jobs.report_pipe import MAX_FIELD, MAX_MESSAGE, PipeReport, clean

_PR_SET_PDEATHSIG = 1
# Other exceptions have a `reason` too, for example UnicodeDecodeError: a text in lower case.
_REASON = re.compile(r"[A-Z][A-Z0-9_]{0,63}")


def main() -> NoReturn:
    """Warm up, run one job, and leave without the interpreter's slow tear-down."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trainer", required=True, help="module to import")
    parser.add_argument("--frames", required=True, type=int, help="descriptor to write frames to")
    arguments = parser.parse_args()
    _die_with_supervisor()
    _die_first()
    commands = _take_stdin()
    os.set_inheritable(arguments.frames, False)
    _serve(arguments.trainer, commands, arguments.frames)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _serve(trainer_name: str, commands: int, frames: int) -> None:
    trainer = importlib.import_module(trainer_name)
    trainer.warm()
    send_frame(frames, {"type": "ready"})
    job = receive_frame(commands)
    if job is not None:
        send_frame(frames, _run(trainer, job, frames))


def _run(trainer: ModuleType, job: Frame, frames: int) -> Frame:
    """Train and return the frame that says how it ended."""
    paths = JobPaths.from_dict(job["paths"])
    report = PipeReport(frames, CheckpointWriter(paths.checkpoints))
    os.chdir(paths.workspace)  # libraries leave files in the working directory
    try:
        outcome = trainer.train(job["spec"], paths, report)
        # Finished: a limit that comes now asks for what is there already.
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    except MemoryError as error:
        traceback.print_exc()
        return {"type": "out_of_memory", "message": clean(str(error), MAX_MESSAGE)}
    except LostProcessError as error:
        traceback.print_exc()
        return {"type": "crashed", "message": clean(str(error), MAX_MESSAGE)}
    except Exception as error:  # noqa: BLE001 - the outermost frame of the training
        return _failure(error)
    return {"type": "result", "stopped_early": outcome.stopped_early}


def _failure(error: Exception) -> Frame:
    """Return what a user can act on: the error's own reason, or its type and text on one line."""
    reason = getattr(error, "reason", None)
    stated = isinstance(reason, str) and _REASON.fullmatch(reason) is not None
    # Where the error itself says what to do, its traceback would only push that off the screen.
    if not stated or error.__cause__ is not None:
        traceback.print_exception(error)
    if stated:
        field = clean(str(getattr(error, "field", "") or ""), MAX_FIELD)
        message = clean(str(error), MAX_MESSAGE)
        return {"type": "failure", "reason": reason, "field": field, "message": message}
    message = clean(f"The training failed: {type(error).__name__}: {error}", MAX_MESSAGE)
    return {"type": "failure", "reason": "", "field": "", "message": message}


def _take_stdin() -> int:
    """Move stdin to a descriptor of our own, so that no library can read from it."""
    commands = os.dup(sys.stdin.fileno())
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    return commands


def _die_first() -> None:
    """Have the kernel choose this process when memory runs out, not the worker."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _die_with_supervisor() -> None:
    """Have the kernel kill this process should its supervisor be killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


if __name__ == "__main__":
    main()
