"""Tables of the registry's database, as SQLAlchemy Core.

`metadata` holds the one `MetaData` and the column types, `jobs` the tables of jobs, attempts,
inputs, events, metrics, workers and the outbox, `datasets`, `models` and `artifacts` those of the
catalogue. Tables are
made by the migrations only; a test holds the two together.
"""
