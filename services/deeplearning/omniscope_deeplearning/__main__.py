"""`python -m omniscope_deeplearning serve|work|all`."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from omniscope_deeplearning.app import ROLES, build
from omniscope_deeplearning.settings import DeepLearningSettings
from omniscope_service.app import Service, run
from omniscope_service.log import configure_logging

if TYPE_CHECKING:
    from contextlib import AsyncExitStack


def main() -> None:
    """Run one role of the deeplearning service until it is told to stop."""
    parser = argparse.ArgumentParser(prog="python -m omniscope_deeplearning", description=__doc__)
    parser.add_argument("role", choices=ROLES, help="serve: the API; work: the jobs; all: both")
    run(partial(_start, parser.parse_args().role))


async def _start(role: str, stack: AsyncExitStack) -> Service:
    settings = DeepLearningSettings.load()
    configure_logging(f"deeplearning-{role}", settings.log_level)
    return await build(role, settings, stack)


if __name__ == "__main__":
    main()
