"""Metric points through the suite into MLflow's store, against MLflow's `log_metric` over HTTP."""

import os
import sqlite3
import statistics
import time
from contextlib import closing
from pathlib import Path

from rich.progress import track

from benchmarks.claim import Claim
from benchmarks.mlflow_server import mlflow_server
from benchmarks.processes import own_processes
from benchmarks.reporting_jobs import ReportingJobs
from benchmarks.size import sized

ROUNDS = sized(3, small=1)
POINTS = sized(10_000, small=100)
WARM_UP_POINTS = sized(1000, small=10)
MLFLOW_POINTS = sized(150, small=5)
LOOK_SECONDS = 0.02
DEADLINE_SECONDS = 60.0
TARGET = 50.0


def measure() -> list[Claim]:
    """Logs turn by turn with both, each with a store in SQLite of its own."""
    ours: list[float] = []
    theirs: list[float] = []
    with own_processes() as processes, mlflow_server() as url:
        processes.start_registry()
        processes.start("omniscope_registry", "project")
        processes.start("benchmarks.reporting_worker")
        with closing(ReportingJobs(processes)) as jobs:
            store = processes.home / "mlflow.db"
            seconds_through_suite(jobs, store, WARM_UP_POINTS)
            for _ in track(range(ROUNDS), "metric_logging"):
                ours.append(seconds_through_suite(jobs, store, POINTS) / POINTS)
                theirs.append(seconds_through_mlflow(url, MLFLOW_POINTS) / MLFLOW_POINTS)
    ratio = statistics.median(their / our for our, their in zip(ours, theirs, strict=True))
    return [
        Claim(
            name="metric_logging",
            ours=f"{statistics.median(ours) * POINTS:.2f} s for {POINTS:,} points",
            theirs=f"log_metric {statistics.median(theirs) * 1000:.1f} ms a point",
            ratio=ratio,
            target=f">= {TARGET:g}",
            passed=ratio >= TARGET,
        )
    ]


def seconds_through_suite(jobs: ReportingJobs, store: Path, points: int) -> float:
    """Returns the time from the first report in a child until MLflow's store holds all points."""
    job_id = jobs.submit(points=points, pause_seconds=0)
    jobs.begin()
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        stored, first = stored_points(store, job_id)
        if stored == points:
            # A point's value is when it was reported.
            return time.monotonic() - first
    raise RuntimeError(f"MLflow's store lacks points of job {job_id} after {DEADLINE_SECONDS:g} s")


def stored_points(store: Path, job_id: str) -> tuple[int, float]:
    """Returns how many points of a job MLflow has, and the smallest of their values."""
    if not store.exists():
        return 0, 0.0
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        try:
            counted, first = connection.execute(
                "SELECT count(*), min(value) FROM metrics WHERE run_uuid = "
                "(SELECT run_uuid FROM tags WHERE key = 'omniscope.job_id' AND value = ?)",
                (job_id,),
            ).fetchone()
        except sqlite3.OperationalError:  # MLflow is making its tables
            return 0, 0.0
    return counted, first or 0.0


def seconds_through_mlflow(url: str, points: int) -> float:
    """Returns the time that MLflow's own client takes, point by point as callbacks log them."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow import MlflowClient

    client = MlflowClient(url)
    run_id = client.create_run(experiment_id="0").info.run_id
    started = time.perf_counter()
    for step in range(points):
        client.log_metric(run_id, "loss", 1 / (step + 1), step=step)
    return time.perf_counter() - started
