"""Models: the results of jobs, registered once and never changed.

`registrar` turns a finished attempt's package into a model: `package` verifies it, `signing`
signs its manifest. `store_sql` keeps the rows and, in `cache`, the answers of GetModel. `archive`
streams a package as a tar. `servicer` and `convert` are the RPC side.
"""
