import errno

import pytest

from omniscope_service.jobs.frames import FrameError
from omniscope_service.jobs.launcher import LocalLauncher
from omniscope_service.jobs.warm import WarmChild


class FailingOnce(LocalLauncher):
    """Starts no child the first time."""

    def __init__(self, error):
        super().__init__("fake_trainer")
        self.errors = [error]

    async def launch(self):
        if self.errors:
            raise self.errors.pop()
        return await super().launch()


@pytest.mark.parametrize(
    "error", [OSError(errno.EMFILE, "Too many open files"), FrameError("no frame")]
)
async def test_a_child_that_could_not_be_warmed_is_started_when_it_is_needed(error):
    warm = WarmChild(FailingOnce(error), keep_seconds=600)
    warm.prepare()

    child = await warm.take()

    assert child.alive
    await child.close()
    await warm.close()
