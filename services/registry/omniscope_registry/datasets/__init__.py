"""Datasets: tables that callers upload, stored once and never changed.

`upload` takes a file in chunks (`spool`), `ingest` has it read by a child process with limits,
whose entry point is `gate` and whose means `sandbox` takes away, and `store_sql` keeps the rows.
`servicer` and `convert` are the RPC side.
"""
