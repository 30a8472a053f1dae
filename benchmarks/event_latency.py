"""Time from a metric in the training process to a watching client, with one watcher and 1,000."""

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing

from rich.progress import track

from benchmarks.claim import Claim, percentile
from benchmarks.processes import Processes, own_processes
from benchmarks.reporting_jobs import ReportingJobs
from benchmarks.size import sized

ROUNDS = sized(3, small=1)
POINTS = sized(200, small=20)
PAUSE_SECONDS = 0.05
WATCHERS = sized(1000, small=20)
# A fan-out to 1,000 keeps two processors busy for a good part of this.
FAN_OUT_POINTS = sized(30, small=3)
FAN_OUT_PAUSE_SECONDS = 1.0
TARGET_P50_MS = 15.0
TARGET_P99_MS = 60.0
TARGET_FAN_OUT_P99_MS = 500.0


def measure() -> list[Claim]:
    """Runs jobs that report, and compares the machine's clock at both ends."""
    with own_processes() as processes:
        processes.start_registry()
        processes.start("benchmarks.reporting_worker")
        with closing(ReportingJobs(processes)) as jobs:
            ages_ms(processes, jobs, 1, points=20, pause_seconds=PAUSE_SECONDS)
            one: list[float] = []
            for _ in track(range(ROUNDS), "event_latency"):
                [ages] = ages_ms(processes, jobs, 1, points=POINTS, pause_seconds=PAUSE_SECONDS)
                one += ages
            many = ages_ms(
                processes,
                jobs,
                WATCHERS,
                points=FAN_OUT_POINTS,
                pause_seconds=FAN_OUT_PAUSE_SECONDS,
            )
    return [
        Claim.at_most("event_latency_p50", percentile(one, 50), "ms", TARGET_P50_MS),
        Claim.at_most("event_latency_p99", percentile(one, 99), "ms", TARGET_P99_MS),
        *fan_out_claims(many),
    ]


def fan_out_claims(seen: Sequence[Sequence[float]]) -> list[Claim]:
    """Returns what many watchers saw, and how much of it they did not see."""
    every = [age for ages in seen for age in ages]
    lost = FAN_OUT_POINTS * WATCHERS - len(every)
    detail = f"p50 {percentile(every, 50):.0f} ms"
    return [
        Claim.at_most(
            "event_latency_1000_p99", percentile(every, 99), "ms", TARGET_FAN_OUT_P99_MS, detail
        ),
        Claim.at_most("event_latency_1000_lost", lost, "events", 0),
    ]


def ages_ms(
    processes: Processes, jobs: ReportingJobs, watchers: int, *, points: int, pause_seconds: float
) -> list[list[float]]:
    """Returns how old every metric point was at its arrival, watch by watch."""
    job_id = jobs.submit(points=points, pause_seconds=pause_seconds)
    client = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.watchers", processes.registry, job_id, str(watchers)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdin is not None
    assert client.stdout is not None
    with client:
        client.stdin.write((processes.home / "token").read_text() + "\n")
        client.stdin.close()
        if client.stdout.readline() != "ready\n":
            raise RuntimeError(f"{watchers} watches of job {job_id} did not stand")
        jobs.begin()
        seen: list[dict[str, float]] = json.loads(client.stdout.read())
    return [list(ages.values()) for ages in seen]
