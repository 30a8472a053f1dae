"""The smallest complete service: repeats rows of a dataset and the name of a model.

`entry` is what the suite knows of it, `app` what it is made of. The API side is `servicer` and
`convert`; the working side is `trainer`, which only the child of a worker imports. `spec` is what
both sides agree on, `commands` its group of the command line. `v1` holds the stubs.
"""
