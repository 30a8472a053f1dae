"""AutoGluon Tabular as a service: checks training requests, queues them, and works on them.

`spec` is what a training is asked to do, in a form that servicer, worker and trainer share. The
API side is `servicer` (the RPCs), `planner` with `options`, `columns` and `target` (the checks),
`candidates` and `convert`; the working side is `trainer` and what it uses, which only the child of
a worker imports. `app` puts either side or both into a process, `settings` says how.
"""
