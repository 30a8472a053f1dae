"""Divides rows into those that train, those that rank candidates, and those that nothing sees.

`plan` says how, `table` what a division may look at, `divide` does it and `parts` is what comes
out. Each strategy has a module: `at_random`, `stratified`, `groups`, `times`, `predefined`, which
reads a column in the terms of `words`.
"""
