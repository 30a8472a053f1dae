"""The checker finds every kind of violation: a real run, doctored afterwards."""

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from omniscope.common.v1.job_pb2 import JOB_STATE_FAILED, JOB_STATE_SUCCEEDED
from tests.faults.cluster import Cluster
from tests.faults.evidence import collect
from tests.faults.history import FILE, History
from tests.faults.invariants import RULES, violations

LAST = "(SELECT MAX(sequence) FROM job_events)"
SECOND_END = f"INSERT INTO job_events SELECT job_id, sequence + 1, kind, payload FROM job_events WHERE sequence = {LAST}"  # noqa: E501
IN_DATABASE = [
    ("I1", "DELETE FROM training_jobs"),
    ("I2", "UPDATE training_jobs SET request_id = 'nobody-asked'"),
    ("I3", SECOND_END),
    ("I3", "UPDATE training_jobs SET status = 'failed'"),
    ("I4", "UPDATE job_attempts SET lease_token_hash = 'the same'"),
    ("I4", "UPDATE training_jobs SET lease_token_hash = 'left over'"),
    ("I4", "DELETE FROM job_attempts WHERE attempt = 1"),
    ("I5", "UPDATE job_attempts SET outcome = NULL WHERE attempt = 1"),
    ("I5", "UPDATE job_attempts SET outcome = 'succeeded'"),
    ("I5", "UPDATE job_attempts SET attempt = 5 WHERE attempt = 2"),
    ("I6", "DELETE FROM ml_models"),
    ("I6", "UPDATE ml_models SET manifest_digest = 'another'"),
    ("I7", "UPDATE ml_models SET artifacts_path = replace(artifacts_path, 's/2-', 's/1-')"),
    ("I8", "DELETE FROM job_events WHERE sequence = 3"),
    ("I8", f"DELETE FROM job_events WHERE sequence = {LAST}"),
    ("I9", "UPDATE training_jobs SET status = 'queued'"),
    ("I9", "UPDATE training_jobs SET status = 'running', lease_until = '2020-01-01 00:00:00'"),
]


@pytest.fixture(scope="module")
def run(uploaded, tmp_path_factory):
    """The home of a cluster whose one job died and succeeded in its second attempt."""
    home = tmp_path_factory.mktemp("run") / "home"
    shutil.copytree(uploaded[0], home)

    async def make():
        cluster = Cluster(home, dataset_id=uploaded[1])
        try:
            await cluster.start()
            job_id = await cluster.submit(dies="SIGKILL", in_attempts=[1])
            await cluster.watch(job_id)
            await cluster.settle()
        finally:
            await cluster.stop()

    asyncio.run(make())
    return home


@pytest.fixture
def home(run, tmp_path):
    """A copy of that home, to be doctored."""
    shutil.copytree(run, tmp_path / "home")
    return tmp_path / "home"


async def broken_rules(home):
    evidence = await collect(home, f"sqlite+aiosqlite:///{home / 'registry.db'}")
    return {line.partition(":")[0] for line in violations(evidence)}


async def test_a_run_that_kept_every_promise_breaks_no_rule(home):
    assert await broken_rules(home) == set()


@pytest.mark.parametrize(("rule", "statement"), IN_DATABASE)
async def test_a_doctored_database_is_found_out(home, rule, statement):
    with closing(sqlite3.connect(home / "registry.db", isolation_level=None)) as conn:
        conn.execute("PRAGMA ignore_check_constraints = ON")
        for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            conn.execute(f"DROP TRIGGER {name}")
        assert conn.execute(statement).rowcount > 0

    assert rule in await broken_rules(home)


@pytest.mark.parametrize(
    ("rule", "entry"),
    [
        ("I1", {"what": "acknowledged", "request_id": "one", "job_id": "gone"}),
        ("I2", {"what": "acknowledged", "job_id": "another"}),
        ("I3", {"what": "seen", "state": JOB_STATE_FAILED}),
        ("I5", {"what": "seen", "attempt": 1}),
        ("I8", {"what": "seen", "sequence": 1}),
        ("I8", {"what": "event", "sequence": 9, "covers": 9}),
        ("I10", {"what": "child", "pid": 1, "born": 0.0}),
    ],
)
async def test_a_client_that_was_told_something_else_is_found_out(home, rule, entry):
    alike = next(e for e in _history(home) if e["what"] == entry["what"])
    if entry["what"] == "seen":
        alike = next(e for e in _history(home) if e.get("state") == JOB_STATE_SUCCEEDED)

    History(home).add(**{key: value for key, value in (alike | entry).items() if key != "at"})

    assert rule in await broken_rules(home)


async def test_a_process_that_outlives_its_attempt_is_found_out(home):
    entries = _history(home)
    for entry in entries:
        if entry["what"] == "gone":
            entry["at"] += 60
    (home / FILE).write_text("".join(json.dumps(entry) + "\n" for entry in entries))

    assert await broken_rules(home) == {"I10"}


@pytest.mark.parametrize("name", ["results.json", "manifest.json", "manifest.sig", "extra.bin"])
async def test_a_package_that_was_touched_is_found_out(home, name):
    (package,) = (path.parent for path in home.glob("artifacts/jobs/*/attempts/*/*/manifest.sig"))
    file = package / name
    damaged = bytearray(file.read_bytes() if file.exists() else b"extra")
    damaged += b" "
    file.write_bytes(damaged)

    assert "I6" in await broken_rules(home)


def test_every_rule_is_broken_by_some_test():
    assert RULES.keys() == {rule for rule, _ in IN_DATABASE} | {"I10"}


def _history(home):
    return History(home).entries()
