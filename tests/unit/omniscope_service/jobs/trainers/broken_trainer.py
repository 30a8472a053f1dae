"""A trainer whose libraries cannot be imported."""


def warm():
    raise ImportError("libgomp.so.1: cannot open shared object file")
