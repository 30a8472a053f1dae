"""A trainer that does at once what the spec's `act` names. Runs in real children."""

# ruff: noqa: T201

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from omniscope_ml.packaging import ArtifactManifest, write_manifest
from omniscope_service.jobs.report import LostProcessError, TrainingOutcome


class DataError(ValueError):
    def __init__(self, message, reason, field):
        super().__init__(message)
        self.reason, self.field = reason, field


def warm():
    print("warming up")


def train(spec, paths, report):
    stopped_early = globals()[spec["act"]](spec, paths, report)
    if spec["act"] not in ("forget_package", "explain"):
        (paths.package / "manifest.json").write_text(json.dumps({"act": spec["act"]}))
    return TrainingOutcome(stopped_early=bool(stopped_early))


def succeed(spec, paths, report):
    assert paths.dataset.read_bytes() == b"arrow"
    report.progress(10, "fitting", completed=1, total=2, eta_seconds=1.5)
    for step in range(spec.get("metrics", 3)):
        report.metric("accuracy", step / 10, step=step, split="validation")
    report.leaderboard(
        model="Tree",
        metric="accuracy",
        score_validation=0.5,
        fit_seconds=0.1,
        prediction_seconds=0.01,
        rank=1,
    )
    report.log("half way", "warning")
    report.progress(100, "done")


def read_inputs(spec, paths, report):
    for given in paths.inputs:
        files = [given.path] if given.path.is_file() else sorted(given.path.rglob("*.*"))
        about = (given.role, given.kind, given.id, [file.name for file in files])
        report.log(json.dumps(about))


def explain(spec, paths, report):
    (paths.package / "values.json").write_text("[0.5]")
    manifest = ArtifactManifest(kind="explanation", job_id=spec["job_id"], attempt=1)
    write_manifest(paths.package, manifest)


def stop_early(spec, paths, report):
    return True


def undefined_values(spec, paths, report):
    report.metric("nan", float("nan"), step=0, split="test")
    report.progress(50, "half", eta_seconds=float("inf"))
    report.progress(20, "back")


def user_error(spec, paths, report):
    raise DataError("the target has one class", "TARGET_CONSTANT", "target_column")


def user_error_with_cause(spec, paths, report):
    raise DataError("the payload is no table", "TABLE_INVALID", "") from ValueError("byte 7")


def unexpected_error(spec, paths, report):
    raise ZeroDivisionError("cannot\ndivide")


def long_error(spec, paths, report):
    raise ValueError("no " * 5000)


def decoding_error(spec, paths, report):
    b"\xff".decode()


def long_names(spec, paths, report):
    report.progress(-5, "p" * 5000, eta_seconds=-1.5)
    report.metric("m\n" * 5000, 0.5, step=0, split="s" * 5000)
    report.leaderboard(
        model="a" * 5000,
        metric="\udc80",
        score_validation=0.5,
        fit_seconds=0.1,
        prediction_seconds=0.01,
        rank=1,
    )


def memory_error(spec, paths, report):
    raise MemoryError


def told_memory_error(spec, paths, report):
    raise MemoryError("the GPU has\n80.0 GiB,\x1b[1m all are taken")


def long_memory_error(spec, paths, report):
    raise MemoryError("no " * 5000)


def lose_process(spec, paths, report):
    raise LostProcessError("rank 1 was ended by SIGKILL")


def crash(spec, paths, report):
    report.progress(5, "about to crash")
    os.kill(os.getpid(), signal.SIGSEGV)


def leave(spec, paths, report):
    os._exit(3)


def die(spec, paths, report):
    os.kill(os.getpid(), signal.SIGKILL)


def forget_package(spec, paths, report):
    pass


def write_rubbish(spec, paths, report):
    os.write(report._descriptor, b"\xff\xff\xff\xffnonsense")
    time.sleep(60)


def print_lines(spec, paths, report):
    print("from python")
    subprocess.run(["/bin/sh", "-c", "printf 'from a \\033[1mchild\\n'; echo to stderr >&2"])
    for number in range(spec.get("lines", 0)):
        print(number)


def wait(spec, paths, report):
    report.progress(1, "waiting")
    time.sleep(60)


def wait_stubbornly(spec, paths, report):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    wait(spec, paths, report)


def finish_when_asked(spec, paths, report):
    asked = []
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, lambda *_: asked.append(True))
    report.progress(1, "waiting")
    while not asked:
        time.sleep(0.005)
    return True


def finish_late(spec, paths, report):
    finish_when_asked(spec, paths, report)
    report.progress(2, "finishing")
    time.sleep(1)
    return True


def grow_tree(spec, paths, report):
    """A child, a grandchild in its own session, and an orphan of a parent that ended."""
    sleeper = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
    plain = subprocess.Popen(sleeper)
    detached = subprocess.Popen(sleeper, start_new_session=True)
    script = (
        "import subprocess, sys;"
        f"print(subprocess.Popen({sleeper!r}, start_new_session=True, stdout=2).pid)"
    )
    orphan = subprocess.check_output([sys.executable, "-S", "-c", script], text=True)
    pids = [os.getpid(), os.getppid(), plain.pid, detached.pid, int(orphan)]
    report.log(json.dumps(pids))
    time.sleep(60)


def tell_surroundings(spec, paths, report):
    found = {
        "environment": dict(os.environ),
        "modules": sorted(name for name in sys.modules if "." not in name),
        "folder": str(Path.cwd()),
        "stdin": sys.stdin.read(),
    }
    (paths.package / "surroundings.json").write_text(json.dumps(found))


def leave_orphan(spec, paths, report):
    sleeper = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
    report.log(str(subprocess.Popen(sleeper, start_new_session=True).pid))


def count_columns(spec, paths, report):
    report.log(str(len(spec["columns"])))


def hoard(spec, paths, report):
    report.progress(1, "hoarding")
    held = bytearray(spec["held_bytes"])
    for page in range(0, len(held), 4096):
        held[page] = 1
    time.sleep(60)


def leave_detached(spec, paths, report):
    """A grandchild in a session of its own that holds on to the output."""
    sleeper = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
    detached = subprocess.Popen(sleeper, start_new_session=True)
    report.log(json.dumps([os.getppid(), os.getpid(), detached.pid]))
    time.sleep(60)


def count(spec, paths, report):
    """Counts from where an earlier attempt has stored to `until`; then waits if told to."""
    start = int((paths.resume / "count.txt").read_text()) if paths.resume else 0
    report.progress(1, f"from {start}")
    constant = paths.workspace / "constant.bin"
    constant.write_bytes(b"\x07" * 1000)
    for number in range(start + 1, spec["until"] + 1):
        counted = paths.workspace / "count.txt"
        counted.write_text(str(number))
        report.checkpoint({"count.txt": counted, "deep/constant.bin": constant}, step=number)
        if spec.get("paced"):
            time.sleep(0.1)
    report.progress(2, "counted")
    if spec.get("waits"):
        time.sleep(60)
    if spec.get("dies"):
        os.kill(os.getpid(), signal.SIGKILL)


def checkpoint_missing_file(spec, paths, report):
    report.checkpoint({"state": paths.workspace / "never written"}, step=1)
    report.progress(2, "went on")
