"""Columns that are chosen by rows they are then judged on predict even nonsense."""

import numpy as np
import pytest

from examples.leakage import DATA, accuracy, read, shuffled
from omniscope_ml.splits.parts import Rows

PROBES, CODES = read(DATA)
SHUFFLES = range(4)


def mean_accuracy(labels: list[Rows], *, leaky: bool) -> float:
    measured = [accuracy(PROBES, codes, leaky=leaky, seed=s) for s, codes in enumerate(labels)]
    return float(np.mean(measured))


@pytest.fixture(scope="module")
def nonsense() -> list[Rows]:
    return [shuffled(CODES, seed) for seed in SHUFFLES]


def test_choosing_by_all_rows_scores_far_above_chance_on_shuffled_labels(nonsense) -> None:
    assert mean_accuracy(nonsense, leaky=True) > 0.65


def test_choosing_inside_the_folds_is_at_chance_on_shuffled_labels(nonsense) -> None:
    assert 0.4 < mean_accuracy(nonsense, leaky=False) < 0.6


def test_choosing_inside_the_folds_finds_what_real_labels_hold() -> None:
    assert mean_accuracy([CODES] * 2, leaky=False) > 0.84
