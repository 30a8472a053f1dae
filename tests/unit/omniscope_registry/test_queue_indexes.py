"""Claims and sweeps come often, most of them for nothing: an index answers them."""

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from omniscope_registry.database import Database
from omniscope_registry.jobs.domain import JobTimes
from omniscope_registry.jobs.loops.sweeper import delayed_until, oldest_due
from omniscope_registry.jobs.sql.claims import SqlClaims
from omniscope_registry.jobs.worker_values import Claim
from tests.grpc.registry.jobs.job_stores import START


@pytest.fixture
async def database(tmp_path):
    opened = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'registry.db'}")
    yield opened
    await opened.close()


async def plan_of(database, query):
    compiled = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    explained = text(f"EXPLAIN QUERY PLAN {compiled}".replace(":", "\\:"))
    async with database.read() as conn:
        return [step.detail for step in await conn.execute(explained)]


async def test_a_claim_reads_the_line_of_its_kind_only(database):
    claims = SqlClaims(database, JobTimes())

    plan = await plan_of(database, claims.next_job(Claim("worker", "claim", "automl", "cpu")))

    assert plan == [
        "SEARCH training_jobs USING INDEX ix_training_jobs_queued (service=? AND resource_class=?)"
    ]


@pytest.mark.parametrize("query", [oldest_due(START), delayed_until(START, START)])
async def test_a_sweep_reads_the_line_in_its_order(database, query):
    plan = await plan_of(database, query)

    assert len(plan) == 1
    assert "INDEX ix_training_jobs_queued" in plan[0]
