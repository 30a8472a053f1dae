"""Datasets: tables that callers upload, stored once and never changed.

`upload` takes a file in chunks (`spool`), also from where `import_uri` and `import_sources` allow.
`ingest` has it read by a child process with limits (`gated_child`), whose entry point is `gate`
and whose means `sandbox` and `confinement` take away; `exports` hands it out again. `store_sql`
keeps the rows, `columns_sql` those of columns. `servicer` and `convert` are the RPC side.
"""
