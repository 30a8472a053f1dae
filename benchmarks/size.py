"""In which size benchmarks run: whole, whose figures count, or small, which shows that they work.

The environment carries it, for the processes that benchmarks start are of the same size.
"""

import os
from typing import Final, TypeVar

VARIABLE: Final = "OMNISCOPE_BENCHMARK_SIZE"
SIZES: Final = ("whole", "small")
SIZE: Final = os.environ.get(VARIABLE, "whole")
if SIZE not in SIZES:
    raise ValueError(f"{VARIABLE} is {SIZE!r}; it may be {' or '.join(SIZES)}")

T = TypeVar("T")


def sized(whole: T, *, small: T) -> T:
    """Returns the value for the size of this run."""
    return small if SIZE == "small" else whole
