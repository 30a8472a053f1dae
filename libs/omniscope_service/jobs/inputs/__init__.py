"""Inputs of an attempt: fetched once per machine, verified before anything of them is opened.

`fetch` fetches the inputs of a claim, `package` those that are model packages; `cache` keeps them
for later attempts.
"""
