"""A trainer that takes as long as it is told and leaves the smallest package that verifies."""

import hashlib
import json
import os
import signal
import time

from omniscope_service.jobs.report import TrainingOutcome


def warm():
    pass


def train(spec, paths, report):
    if spec.get("dies"):
        os.kill(os.getpid(), signal.SIGKILL)
    if spec.get("stubborn"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    until = time.monotonic() + spec.get("seconds", 0.2)
    step = 0
    while time.monotonic() < until or step == 0:
        report.metric("loss", 1 / (step + 1), step=step, split="train")
        step += 1
        time.sleep(0.05)
    write_package(spec, paths.package)
    return TrainingOutcome(stopped_early=False)


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
