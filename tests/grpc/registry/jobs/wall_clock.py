"""The wall clock of the registry's process in a test's hands."""

import sys
import time
from datetime import datetime, timedelta, tzinfo

import pytest


class WallClock:
    """Steps what the registry reads of the time of day; what is monotonic goes on as it was."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.ahead = timedelta(0)
        read, stepped = time.time_ns, self._stepped()
        patch.setattr(time, "time_ns", lambda: read() + self._nanoseconds())
        for name, module in list(sys.modules.items()):
            if name.startswith("omniscope_") and getattr(module, "datetime", None) is datetime:
                patch.setattr(module, "datetime", stepped)

    def _nanoseconds(self) -> int:
        return self.ahead // timedelta(microseconds=1) * 1000

    def _stepped(self) -> type[datetime]:
        clock = self

        class Stepped(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
                return datetime.now(tz) + clock.ahead

        return Stepped
