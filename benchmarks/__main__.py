"""Runs all benchmarks, or those that are named."""

import importlib
import sys

from benchmarks.claim import record

NAMES = (
    "start_up",
    "job_start",
    "event_latency",
    "registry_reads",
    "metric_logging",
    "list_scale",
    "dataset_open",
    "dataset_upload",
    "automl_overhead",
    "dl_throughput",
    "dl_wide",
    "accuracy",
)


def main(names: list[str]) -> int:
    """Runs benchmarks one after the other; returns 1 when a target was missed."""
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        print(
            f"unknown benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}",
            file=sys.stderr,
        )
        return 2
    passed = True
    for name in names or NAMES:
        for claim in importlib.import_module(f"benchmarks.{name}").measure():
            print(claim.line(), flush=True)
            passed &= claim.passed
            record(claim)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
