"""A trainer that takes as long as it is told and leaves the smallest package that verifies."""

import hashlib
import json
import os
import time
from pathlib import Path

import psutil

from omniscope_service.jobs.report import TrainingOutcome
from tests.faults.history import History
from tests.faults.misbehaviour import misbehave


def warm():
    pass


def train(spec, paths, report):
    enter(spec, os.getpid())
    misbehave(spec, lambda pid: enter(spec, pid))
    if spec.get("steps"):
        take_steps(spec, paths, report)
    until = time.monotonic() + spec.get("seconds", 0.2)
    step = 0
    while time.monotonic() < until or step == 0:
        report.metric("loss", 1 / (step + 1), step=step, split="train")
        step += 1
        time.sleep(0.05)
    write_package(spec, paths.package)
    return TrainingOutcome(stopped_early=False)


def take_steps(spec, paths, report):
    """Take steps, each stored as a checkpoint, on from where an earlier attempt was."""
    taken = int((paths.resume / "taken").read_text()) if paths.resume else 0
    for step in range(taken + 1, spec["steps"] + 1):
        time.sleep(spec.get("pace", 0.1))
        remember(spec, "step", step=step)
        (paths.workspace / "taken").write_text(str(step))
        report.checkpoint({"taken": paths.workspace / "taken"}, step=step)


def enter(spec, pid):
    """Enter a process of this training into the history."""
    remember(spec, "child", pid=pid, born=psutil.Process(pid).create_time())


def remember(spec, what, **about):
    about |= {"job_id": spec["job_id"], "attempt": spec["attempt"]}
    History(Path(os.environ["TMPDIR"])).add(what, **about)


def write_package(spec, folder):
    results = json.dumps({"problem_type": "binary", "target_column": "outcome"}).encode()
    (folder / "results.json").write_bytes(results)
    file = {"sha256": hashlib.sha256(results).hexdigest(), "size_bytes": len(results)}
    manifest = {
        "format_version": 1,
        "kind": "automl.tabular",
        "architecture": "Fake",
        "problem_type": "binary",
        "target_column": "outcome",
        "classes": ["no", "yes"],
        "features": [{"name": "gene1", "type": "float"}],
        "job_id": spec["job_id"],
        "attempt": spec["attempt"],
        "files": {"results.json": file},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
