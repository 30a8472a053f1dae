"""What must be true of a registry's database when the faults are over, whatever they were."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from omniscope.common.v1.job_event_pb2 import JobEvent
from omniscope_service.watch import is_terminal

OPEN = ("queued", "running")


def violations(database: Path, acknowledged: Iterable[str]) -> list[str]:
    """Return every broken promise, in words; an empty list when all were kept.

    Args:
        database: The registry's SQLite file; no process has it open any more.
        acknowledged: Jobs that a client was told of.
    """
    with sqlite3.connect(database) as conn:
        conn.row_factory = sqlite3.Row
        jobs = {row["id"]: row for row in conn.execute("SELECT * FROM training_jobs")}
        found = [f"{job_id} was acknowledged and is lost" for job_id in {*acknowledged} - {*jobs}]
        found += [f"{job_id} was never acknowledged" for job_id in {*jobs} - {*acknowledged}]
        for job in jobs.values():
            found += _attempts(conn, job) + _events(conn, job) + _models(conn, job)
    conn.close()
    return found


def _attempts(conn: sqlite3.Connection, job: sqlite3.Row) -> list[str]:
    query = "SELECT attempt, outcome FROM job_attempts WHERE job_id = ? ORDER BY attempt"
    rows = conn.execute(query, (job["id"],)).fetchall()
    found = []
    if [row["attempt"] for row in rows] != list(range(1, job["attempt"] + 1)):
        found.append(f"{job['id']} has attempts {[row['attempt'] for row in rows]}")
    if any(row["outcome"] is None for row in rows):
        found.append(f"{job['id']} has an attempt without an outcome")
    if sum(row["outcome"] == "succeeded" for row in rows) != (job["status"] == "succeeded"):
        found.append(f"{job['id']} is {job['status']}, its attempts say otherwise")
    return found


def _events(conn: sqlite3.Connection, job: sqlite3.Row) -> list[str]:
    query = "SELECT sequence, payload FROM job_events WHERE job_id = ? ORDER BY sequence"
    rows = conn.execute(query, (job["id"],)).fetchall()
    ends = [row["sequence"] for row in rows if is_terminal(JobEvent.FromString(row["payload"]))]
    found = []
    if job["status"] in OPEN:
        found.append(f"{job['id']} has not ended: it is {job['status']}")
    if [row["sequence"] for row in rows] != list(range(1, job["last_sequence"] + 1)):
        found.append(f"{job['id']} has a gap in its events")
    if ends != [job["last_sequence"]]:
        found.append(f"{job['id']} has ended at {ends}, its last event is {job['last_sequence']}")
    return found


def _models(conn: sqlite3.Connection, job: sqlite3.Row) -> list[str]:
    query = "SELECT id, artifacts_path FROM ml_models WHERE job_id = ?"
    rows = conn.execute(query, (job["id"],)).fetchall()
    expected = [job["model_id"]] if job["status"] == "succeeded" else []
    found = []
    if [row["id"] for row in rows] != expected:
        found.append(f"{job['id']} has models {[row['id'] for row in rows]}, not {expected}")
    if any(f"/attempts/{job['attempt']}-" not in row["artifacts_path"] for row in rows):
        found.append(f"{job['id']} has a model of an attempt that lost its lease")
    return found
