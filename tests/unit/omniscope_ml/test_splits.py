import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omniscope_ml.errors import DataError
from omniscope_ml.splits import HoldOut, hold_out_random, hold_out_stratified


def assert_divides(split: HoldOut, rows: int) -> None:
    assert sorted([*split.train, *split.test]) == list(range(rows))


@given(rows=st.integers(2, 300), fraction=st.floats(0.01, 0.9), seed=st.integers(0, 2**31 - 1))
@settings(max_examples=50, deadline=None)
def test_random_split_divides_all_rows(rows: int, fraction: float, seed: int) -> None:
    count = round(rows * fraction)
    if count in (0, rows):
        with pytest.raises(DataError, match="a part would be empty"):
            hold_out_random(rows, fraction, seed)
        return

    split = hold_out_random(rows, fraction, seed)

    assert_divides(split, rows)
    assert len(split.test) == count


@given(
    sizes=st.lists(st.integers(3, 40), min_size=2, max_size=6),
    fraction=st.floats(0.01, 0.9),
    seed=st.integers(0, 2**31 - 1),
)
@settings(max_examples=50, deadline=None)
def test_stratified_split_leaves_every_class_in_both_parts(
    sizes: list[int], fraction: float, seed: int
) -> None:
    codes = np.repeat(np.arange(len(sizes)), sizes)

    split = hold_out_stratified(codes, fraction, seed)

    assert_divides(split, len(codes))
    assert np.bincount(codes[split.test], minlength=len(sizes)).min() >= 1
    assert np.bincount(codes[split.train], minlength=len(sizes)).min() >= 2


def test_stratified_split_keeps_proportions() -> None:
    codes = np.repeat([0, 1], [80, 20])

    split = hold_out_stratified(codes, 0.2, seed=3)

    assert np.bincount(codes[split.test]).tolist() == [16, 4]


def test_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    codes = np.repeat([0, 1], [50, 50])

    first, again, other = (hold_out_stratified(codes, 0.2, seed) for seed in (1, 1, 2))

    assert np.array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)
    assert not np.array_equal(hold_out_random(100, 0.2, 1).test, hold_out_random(100, 0.2, 2).test)


def test_class_with_two_rows_cannot_be_stratified() -> None:
    with pytest.raises(DataError, match="a class has 2 rows") as caught:
        hold_out_stratified(np.array([0, 0, 0, 1, 1]), 0.2, 0)

    assert caught.value.reason == "TARGET_CLASS_TOO_SMALL"
