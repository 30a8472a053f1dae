"""The suite's knowledge of its services, without importing them.

`entry` is what a service states of itself, `services` finds the entries of those that are
installed, `methods` reads what the protos state of each method.
"""
