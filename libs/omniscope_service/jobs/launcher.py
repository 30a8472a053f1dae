"""Where children are started: the one place that a launcher for other machines would replace."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

from omniscope_service.errors import Unavailable
from omniscope_service.jobs import process_tree, supervisor
from omniscope_service.jobs.local_child import LocalChild

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from omniscope_service.jobs.frames import Frame
    from omniscope_service.jobs.report import JobPaths

# What training code may know of the worker's environment: nothing that holds a secret.
_PASSED_ON = frozenset({"PATH", "HOME", "LANG", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH"})
_PASSED_ON_PREFIXES = (
    *("PYTHON", "LC_", "OMP_", "MKL_", "OPENBLAS_", "NUMBA_"),
    *("CUDA_", "NVIDIA_", "NCCL_", "PYTORCH_", "RAY_"),
)


class Child(Protocol):
    """A process that has imported a trainer and runs one job."""

    @property
    def alive(self) -> bool:
        """False once the process has ended."""
        ...

    @property
    def pid(self) -> int:
        """Process on this machine that stands for it: when that has ended, all of it has."""
        ...

    async def start(self, spec: Mapping[str, object], paths: JobPaths) -> None:
        """Hand over the job. A child that died meanwhile shows as the end of its messages."""
        ...

    def messages(self) -> AsyncIterator[Frame]:
        """Yield reports, printed lines (as `log_line`) and the result, until nothing is left."""
        ...

    async def memory_bytes(self) -> int:
        """Return how much memory its process tree holds; 0 when it has ended."""
        ...

    async def stop(self, grace_seconds: float) -> None:
        """Ask the child to end, and kill its whole process tree when the grace is over.

        Its messages can still be read to their end.
        """
        ...

    async def finish(self, grace_seconds: float) -> None:
        """Ask for a package of what there is by now; the rest is as with `stop`."""
        ...

    async def wait(self) -> int:
        """Wait for the end; 128 + N means that signal N ended it."""
        ...

    async def close(self) -> None:
        """Kill what is left of it and close its pipes. Idempotent."""
        ...


class ChildLauncher(Protocol):
    """Starts children of one trainer."""

    async def launch(self) -> Child:
        """Start a child and return it when it is warm: seconds, its libraries being imported.

        Raises:
            Unavailable: It could not be started, or died while it warmed up.
        """
        ...


class LocalLauncher:
    """Starts children on this machine, each behind a supervisor.

    Args:
        trainer: Module that the child imports.
    """

    def __init__(self, trainer: str) -> None:
        self._trainer = trainer

    async def launch(self) -> LocalChild:
        """Start a child and return it when it is warm."""
        starting = asyncio.create_task(self._start())
        try:
            # Not cut short half way: what was started could not be ended.
            child = await asyncio.shield(starting)
            await child.wait_until_warm()
        except BaseException:
            await (await starting).close()
            raise
        return child

    async def _start(self) -> LocalChild:
        with ExitStack() as theirs, ExitStack() as ours:
            lifeline_read, lifeline = _pipe(theirs, ours)
            commands_read, commands = _pipe(theirs, ours)
            frames, frames_write = _pipe(ours, theirs)
            output, output_write = _pipe(ours, theirs)
            mark = secrets.token_hex(16)
            process = await self._exec(
                lifeline_read, commands_read, frames_write, output_write, mark
            )
            child = await LocalChild.attach(process, mark, lifeline, commands, frames, output)
            ours.pop_all()
            return child

    async def _exec(
        self, lifeline: int, commands: int, frames: int, output: int, mark: str
    ) -> asyncio.subprocess.Process:
        """Start the supervisor with the child below it, by exec and never by a bare fork."""
        arguments = [str(lifeline), str(frames), str(output)]
        child = ["-m", "omniscope_service.jobs.child", "--trainer", self._trainer]
        try:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", supervisor.__file__, *arguments),
                *(sys.executable, *child, "--frames", str(frames)),
                stdin=commands,
                stdout=asyncio.subprocess.DEVNULL,
                pass_fds=(lifeline, frames, output),
                env=_environment() | {process_tree.MARK: mark},
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(
                f"No process could be started for the training: {error.strerror}.",
                reason="TRAINER_UNAVAILABLE",
            ) from error


def _pipe(reader: ExitStack, writer: ExitStack) -> tuple[int, int]:
    """Make a pipe whose two ends are closed by the two stacks."""
    read, write = os.pipe()
    reader.callback(os.close, read)
    writer.callback(os.close, write)
    return read, write


def _environment() -> dict[str, str]:
    passed_on = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }
    return passed_on | {"PYTHONUNBUFFERED": "1"}
