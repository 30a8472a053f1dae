"""The registry: the one owner of jobs, models, datasets and their events.

`app` puts it together from `settings`; `database`, `tables` and `migrations` are where it keeps
things; `jobs` is the job system, `datasets` and `models` are the catalogue, `listing` is what
their List RPCs share; `outbox` and `relay` take messages to the broker, `projection` takes runs
to MLflow.
"""
