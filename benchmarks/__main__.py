"""Runs all benchmarks, or those that are named."""

import importlib
import sys

from benchmarks.claim import record
from benchmarks.found import names
from benchmarks.size import SIZE


def main(wanted: list[str]) -> int:
    """Runs benchmarks one after the other; returns 1 when a target was missed.

    In the small size figures mean nothing: none is kept, and no target is missed.
    """
    unknown = sorted(set(wanted) - set(names()))
    if unknown:
        print(
            f"unknown benchmark {', '.join(unknown)}; there are {', '.join(names())}",
            file=sys.stderr,
        )
        return 2
    passed = True
    for name in wanted or names():
        for claim in importlib.import_module(f"benchmarks.{name}").measure():
            if SIZE == "small":
                print(f"{claim.name}: works", flush=True)
            else:
                print(claim.line(), flush=True)
                passed &= claim.passed
                record(claim)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
