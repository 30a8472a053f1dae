"""Named places where a test makes a process die or wait, to show that nothing is lost there.

`OMNISCOPE_FAILPOINTS="claim.after_commit=kill;relay.before_publish=sleep:2"` arms them when a
process starts; `kill:3` kills at the third visit. Without the variable a place costs one look into
an empty dictionary.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections import Counter
from typing import TYPE_CHECKING, Final

from omniscope_service.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE: Final = "OMNISCOPE_FAILPOINTS"
_ARMED_FORM = re.compile(r"[a-z_.]+=(kill(:[1-9][0-9]*)?|sleep:[0-9.]+)")


async def reach(name: str) -> None:
    """Do what was armed for this place, which is nothing in production."""
    match _ARMED.get(name, "").split(":"):
        case ["kill", *visit]:
            _visits[name] += 1
            if _visits[name] == int("".join(visit) or 1):
                os.kill(os.getpid(), signal.SIGKILL)
        case ["sleep", seconds]:
            await asyncio.sleep(float(seconds))


def parse(text: str) -> Mapping[str, str]:
    """Return the action of each armed place.

    Raises:
        ConfigurationError: It is not of the form `name=kill;name=sleep:2`.
    """
    parts = [part for part in text.split(";") if part]
    for part in parts:
        if _ARMED_FORM.fullmatch(part) is None:
            raise ConfigurationError(
                f"{VARIABLE}: {part!r} is not <name>=kill, <name>=kill:<visit> or <name>=sleep:<s>"
            )
    return dict(part.split("=") for part in parts)


_ARMED = parse(os.environ.get(VARIABLE, ""))
_visits: Counter[str] = Counter()
