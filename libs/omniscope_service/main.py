"""The command line of every service: `python -m <package> <role>`."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from omniscope_service.app import Service, run
from omniscope_service.log import configure_logging
from omniscope_service.settings import ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AsyncExitStack

    from omniscope_suite.entry import ServiceEntry

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)

if TYPE_CHECKING:
    Build: TypeAlias = Callable[[str, SettingsT, AsyncExitStack], Awaitable[Service]]


def run_service(entry: ServiceEntry, settings: type[SettingsT], build: Build[SettingsT]) -> None:
    """Run one role of a service until it is told to stop.

    Args:
        entry: The service; its roles are what may be chosen.
        settings: What it reads from the environment.
        build: Opens what a role needs and returns its service, as `app.run` asks for it.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {entry.package}", description=f"{entry.name}: {entry.description}"
    )
    roles = "; ".join(f"{role}: {what}" for role, what in entry.roles.items())
    parser.add_argument("role", choices=entry.roles, help=roles)
    run(partial(_start, entry.name, parser.parse_args().role, settings, build))


async def _start(
    name: str,
    role: str,
    settings: type[SettingsT],
    build: Build[SettingsT],
    stack: AsyncExitStack,
) -> Service:
    loaded = settings.load()
    configure_logging(f"{name}-{role}", loaded.log_level)
    return await build(role, loaded, stack)
