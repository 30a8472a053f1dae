"""Projection: MLflow shows what the registry knows, a moment later, and is never asked for it.

`servicer` and `store_sql` hand out the outbox, in the process that owns the database. `projector`
takes it from there in a process of its own and has `mlflow_writer`, the only module that imports
MLflow, write it down; `fields` makes values fit MLflow's rules.
"""
