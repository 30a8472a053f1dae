"""The framework of the suite's services, free of machine learning.

`app` starts and stops a `Service`; `rpc` is its gRPC server and the channels to others; `events`
is the message bus; `jobs` runs trainings in children of their own; `watch` turns a job's journal
into a stream; `artifacts` is the store of files; `registry_client` reaches the registry; `errors`,
`settings` and `log` are used by all of them; `testing` serves the tests.
"""
