"""What the fake trainer does wrong when a job's spec says so."""

import os
import signal
import subprocess
import sys
import time

_FOR_EVER = 600
_ORPHAN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


def misbehave(spec, record):
    """Do what the spec names; it may name several.

    Args:
        spec: Of the job. `dies`: name of a signal. `stubborn`: ignore SIGTERM. `orphan`: leave a
            process in a session of its own. `holds_bytes`: allocate them. `silent_seconds`: say
            nothing. `in_attempts`: only in these.
        record: Enters a process of this training into the history, by its pid.
    """
    if spec["attempt"] not in spec.get("in_attempts", [spec["attempt"]]):
        return
    if spec.get("stubborn"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if spec.get("orphan"):
        record(subprocess.Popen([sys.executable, "-c", _ORPHAN], start_new_session=True).pid)
    if spec.get("holds_bytes"):
        held = b"x" * spec["holds_bytes"]
        time.sleep(_FOR_EVER)
        del held
    if spec.get("dies"):
        os.kill(os.getpid(), getattr(signal, spec["dies"]))
    time.sleep(spec.get("silent_seconds", 0))
