"""Models: the results of jobs, registered once; only what is said of them may change.

`registrar` turns a finished attempt's package into a model. `store_sql` keeps the rows and, in
`cache`, the answers of GetModel; `finding` knows what a model may be called; `changes_sql` changes
and deletes, `aliases_sql` points aliases, `purger` removes what was deleted long ago, `events`
announces it all. `lineage` walks along the jobs that made models and read them, over what
`lineage_sql` finds. `servicer` and `convert` are the RPC side; `ports` says what keeps a model
from being deleted, such as `reading_jobs`.
"""
