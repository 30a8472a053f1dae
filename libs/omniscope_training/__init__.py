"""The checks of every training service: columns, target, parts of the rows, names and labels.

A service checks and fills in what only its own trainings have; the rest of a request has the same
fields everywhere (`request`) and is understood the same way. `options` checks what a request says
by itself; `columns`, `target`, `splitting` and `split_columns` check what the profiles can tell
and `planner` brings both together. `submission` asks for the job, `claim` reads it again.

It knows both sides, services and machine learning, but only what an API process may load: names,
choices and ranges, never the data.
"""
