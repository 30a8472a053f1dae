"""The process that trains, from the outside of its trainer."""

import json
import subprocess
import sys

from omniscope_service.jobs.report import JobPaths

# Asked to finish when all of it is done: between the end of the training and the result.
LATE_REQUEST = """
import json, os, signal, sys
from pathlib import Path
from types import ModuleType
from omniscope_service.jobs import child

class Outcome:
    @property
    def stopped_early(self):
        os.kill(os.getpid(), signal.SIGUSR1)
        return False

trainer = ModuleType("trainer")
trainer.train = lambda spec, paths, report: Outcome()
job = {"spec": {}, "paths": json.loads(sys.argv[1])}
print(json.dumps(child._run(trainer, job, os.open(os.devnull, os.O_WRONLY))))
"""


def test_a_request_to_finish_that_comes_after_the_end_loses_nothing(tmp_path):
    paths = JobPaths.below(tmp_path, ())
    for folder in (paths.workspace, paths.checkpoints):
        folder.mkdir(parents=True)

    ended = subprocess.run(
        [sys.executable, "-c", LATE_REQUEST, json.dumps(paths.to_dict())],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {"type": "result", "stopped_early": False}
