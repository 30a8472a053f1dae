"""States of a training that a later attempt resumes from.

The child writes them (`writer`), the worker takes them to the artifact store and tells the
registry (`sender`), the worker of a later attempt fetches the newest one that verifies (`resume`).
"""
