"""What an attempt reports of what failed around it."""

import errno
import os
import shutil

import pytest

from omniscope_service.jobs.outcome import failure_of_error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device"),
        (shutil.Error([("a", "b", "Input/output error")]), "Input/output error"),
    ],
)
def test_a_disk_that_failed_says_why(error, says):
    failed = failure_of_error(error)

    assert failed.error.reason == "WORKER_DISK_FAILED"
    assert says in failed.error.message
