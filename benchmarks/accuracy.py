"""The suite's held-out scores on real data: what AutoML finds, and each network where it suits."""

from collections.abc import Iterator

from benchmarks import automl_accuracy, network_accuracy
from benchmarks.claim import Claim


def measure() -> Iterator[Claim]:
    """Trains every data set that is at hand with five seeds."""
    yield from network_accuracy.claims()
    yield from automl_accuracy.claims()
