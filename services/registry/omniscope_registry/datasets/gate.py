"""Entry point of the child process that reads an uploaded file: limits first, then the reading.

The limits are set here and not between fork and exec, where Python code is unsafe in a process
that runs gRPC's threads.
"""

from __future__ import annotations

import errno
import resource
import runpy
import signal
import sys
from pathlib import Path
from typing import Final

from omniscope_registry.datasets.confinement import confine_to
from omniscope_registry.datasets.sandbox import forbid_system_calls

DISK_FULL: Final = 5
"""Exit status when there was no room for the converted file."""
OUT_OF_MEMORY: Final = 6
"""Exit status when the memory that the process may have was not enough."""


def main(arguments: list[str]) -> None:
    """Limit this process, then run a module as `__main__`.

    Args:
        arguments: Address space in bytes, processor seconds, size of a written file in bytes, the
            module, and its own arguments.
    """
    memory_bytes, cpu_seconds, file_bytes, module, *rest = arguments
    if sys.platform == "linux":  # macOS maps far more than it uses and refuses such a limit.
        _limit(resource.RLIMIT_AS, int(memory_bytes))
    _limit(resource.RLIMIT_CPU, int(cpu_seconds))
    _limit(resource.RLIMIT_FSIZE, int(file_bytes))
    _limit(resource.RLIMIT_NOFILE, 256)
    _limit(resource.RLIMIT_CORE, 0)
    # Python ignores this signal; here the one who set the limit wants to know.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    forbid_system_calls()
    confine_to(Path.cwd())
    sys.argv = [module, *rest]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        sys.exit(DISK_FULL)


def _limit(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (allowed, allowed))


if __name__ == "__main__":
    main(sys.argv[1:])
