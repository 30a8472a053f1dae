"""What SQLite reads for a lineage: what jobs read and made, and nothing else."""

import sqlite3

import pytest
from sqlalchemy.dialects import sqlite

from omniscope_registry.database import Database
from omniscope_registry.models import lineage_sql


@pytest.fixture
async def plan_of(tmp_path):
    """Tells the steps by which a statement finds its rows."""
    path = tmp_path / "registry.db"
    await (await Database.open(f"sqlite+aiosqlite:///{path}")).close()

    def plan(statement):
        bound = statement.params(owner="ada", model_ids=["x", "y"], limit=1)
        text = bound.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
        with sqlite3.connect(path) as connection:
            return [row[-1] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}")]

    return plan


async def test_what_models_were_made_of_is_found_by_their_ids(plan_of):
    assert plan_of(lineage_sql._MADE_OF) == [
        "SEARCH ml_models USING INDEX sqlite_autoindex_ml_models_1 (id=?)",
        "SEARCH job_inputs USING PRIMARY KEY (job_id=?)",
    ]


async def test_what_was_made_of_models_is_found_by_what_jobs_read(plan_of):
    assert plan_of(lineage_sql._USED_BY) == [
        "SEARCH job_inputs USING INDEX ix_job_inputs_owner_model_id (owner=? AND model_id=?)",
        "SEARCH training_jobs USING INDEX sqlite_autoindex_training_jobs_1 (id=?)",
    ]
