"""Artifacts: what jobs make that is no model, for example explanations.

`registrar` turns the package of a finished attempt into one, `store_sql` keeps the rows, `purger`
removes what was deleted. `servicer` and `convert` are the RPC side.
"""
