"""Experiments and runs: the job system seen as MLflow shows it, without asking MLflow.

`experiments_sql` and `runs_sql` read them, `metrics_sql` the values of their metrics by the `keys`
that MLflow has; `logging_sql` adds those that callers measured themselves. `servicer` and
`convert` are the RPC side.
"""
