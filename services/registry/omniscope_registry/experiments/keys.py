"""Names of metrics as MLflow has them: the split, where there is one, and the name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import case

from omniscope_registry.tables.jobs import job_metrics

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

LOGGED_ATTEMPT: Final = 0
"""Number of the attempt in the rows of values that callers logged: they belong to none."""


def stored_key() -> ColumnElement[str]:
    """Return the key of a stored value, as SQL; `jobs.projections` makes the same."""
    split, name = job_metrics.c.split, job_metrics.c.name
    return case((split == "", name), else_=split + "_" + name)
