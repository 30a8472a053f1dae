"""What each strategy promises, and what it refuses."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omniscope_ml.errors import DataError
from omniscope_ml.splits.divide import divide_rows, validation_folds
from omniscope_ml.splits.parts import Split
from omniscope_ml.splits.plan import SplitPlan, Strategy
from omniscope_ml.splits.table import SplitTable


def plan(strategy: Strategy, **values: Any) -> SplitPlan:
    return SplitPlan(**{"strategy": strategy, "test_fraction": 0.2, "seed": 0, **values})


def divided(plan: SplitPlan, table: SplitTable, reason: str) -> Split | None:
    """Divide, or return None where the plan is refused for this reason."""
    try:
        return divide_rows(plan, table)
    except DataError as error:
        refused = error
    assert refused.reason == reason
    return None


def refusal(plan: SplitPlan, table: SplitTable) -> DataError:
    with pytest.raises(DataError) as caught:
        divide_rows(plan, table)
    return caught.value


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
    chosen = plan("stratified", test_fraction=fraction, seed=seed)

    split = divide_rows(chosen, SplitTable(rows=len(codes), codes=codes)).hold_out

    assert np.bincount(codes[split.test], minlength=len(sizes)).min() >= 1
    assert np.bincount(codes[split.train], minlength=len(sizes)).min() >= 2


def test_stratified_parts_and_folds_keep_proportions() -> None:
    codes = np.repeat([0, 1], [100, 25])

    split = divide_rows(plan("stratified", folds=4), SplitTable(rows=125, codes=codes))

    assert np.bincount(codes[split.hold_out.test]).tolist() == [20, 5]
    assert [np.bincount(codes[fold.validation]).tolist() for fold in split.folds] == [[20, 5]] * 4


@given(
    groups=st.lists(st.integers(0, 25), min_size=10, max_size=200),
    fraction=st.floats(0.05, 0.6),
    folds=st.integers(2, 5),
)
@settings(max_examples=100, deadline=None)
def test_no_group_straddles_parts_or_folds(groups: list[int], fraction: float, folds: int) -> None:
    values = np.array(groups)
    table = SplitTable(rows=len(values), values=values, column="patient")
    split = divided(plan("group", test_fraction=fraction, folds=folds), table, "GROUPS_TOO_FEW")
    if split is None:
        return

    assert not set(values[split.hold_out.train]) & set(values[split.hold_out.test])
    for fold in split.folds:
        assert not set(values[fold.train]) & set(values[fold.validation])


def test_group_parts_are_as_large_and_as_mixed_as_asked_where_groups_allow() -> None:
    patients = np.repeat([f"p{i}" for i in range(40)], 5)
    codes = np.repeat(np.arange(40) % 2, 5)
    table = SplitTable(rows=200, codes=codes, values=patients, column="patient")

    split = divide_rows(plan("group", folds=4), table)

    assert np.bincount(codes[split.hold_out.test]).tolist() == [20, 20]
    assert [np.bincount(codes[fold.validation]).tolist() for fold in split.folds] == [[20, 20]] * 4


@given(
    times=st.lists(st.integers(0, 40), min_size=10, max_size=200),
    fraction=st.floats(0.05, 0.6),
    folds=st.integers(2, 5),
)
@settings(max_examples=100, deadline=None)
def test_what_judges_is_always_newer_than_what_trains(
    times: list[int], fraction: float, folds: int
) -> None:
    values = np.array(times)
    table = SplitTable(rows=len(values), values=values, column="visit")
    split = divided(plan("time", test_fraction=fraction, folds=folds), table, "TIMES_TOO_FEW")
    if split is None:
        return

    assert values[split.hold_out.train].max() < values[split.hold_out.test].min()
    for fold in split.folds:
        assert values[fold.train].max() < values[fold.validation].min()


def test_time_parts_have_their_share_where_times_differ() -> None:
    times = np.random.default_rng(0).permutation(100).astype("datetime64[D]")

    split = divide_rows(plan("time", folds=4), SplitTable(rows=100, values=times, column="day"))

    assert len(split.hold_out.test) == 20
    assert [len(fold.train) for fold in split.folds] == [16, 32, 48, 64]
    assert [len(fold.validation) for fold in split.folds] == [16] * 4


def test_predefined_words_are_followed_whatever_their_case() -> None:
    values = np.array(["Train", "training", "VAL", "dev", "test", "Holdout"], dtype=object)

    split = divide_rows(plan("predefined"), SplitTable(rows=6, values=values, column="part"))

    assert split.hold_out.train.tolist() == [0, 1, 2, 3]
    assert split.hold_out.test.tolist() == [4, 5]
    assert [fold.validation.tolist() for fold in split.folds] == [[2, 3]]


def test_predefined_numbers_are_folds_and_the_highest_is_held_out() -> None:
    values = np.array([0, 1, 2, 0, 1, 2])

    split = divide_rows(plan("predefined"), SplitTable(rows=6, values=values, column="fold"))

    assert split.hold_out.test.tolist() == [2, 5]
    assert [fold.validation.tolist() for fold in split.folds] == [[0, 3], [1, 4]]
    assert [fold.train.tolist() for fold in split.folds] == [[1, 4], [0, 3]]


def test_predefined_rows_without_validation_leave_it_to_the_method() -> None:
    values = np.array(["train"] * 8 + ["test"] * 2, dtype=object)
    table = SplitTable(rows=10, codes=np.arange(10) % 2, values=values, column="part")

    assert divide_rows(plan("predefined"), table).folds == ()
    assert len(validation_folds(plan("predefined"), table.take(np.arange(8)), 4)) == 4


def test_class_with_one_row_cannot_be_stratified() -> None:
    table = SplitTable(rows=5, codes=np.array([0, 0, 0, 0, 1]), classes=("well", "sick"))

    error = refusal(plan("stratified"), table)

    assert error.reason == "TARGET_CLASS_TOO_SMALL"
    assert error.field == "target_column"
    assert "class 'sick' has 1 row" in error.message


def test_more_folds_than_rows_of_a_class_are_refused() -> None:
    table = SplitTable(rows=40, codes=np.repeat([0, 1], [35, 5]), classes=("well", "sick"))

    error = refusal(plan("stratified", folds=10), table)

    assert (error.reason, error.field) == ("TARGET_CLASS_TOO_SMALL", "split.folds")
    assert "class 'sick' has 4 rows; 10 folds need at least 10" in error.message


def test_stratified_regression_is_refused() -> None:
    assert refusal(plan("stratified"), SplitTable(rows=10)).reason == "PROBLEM_TYPE_MISMATCH"


def test_more_folds_than_rows_are_refused() -> None:
    error = refusal(plan("random", folds=9), SplitTable(rows=10))

    assert (error.reason, error.field) == ("DATASET_TOO_SMALL", "split.folds")
    assert "8 training rows cannot be divided into 9 folds" in error.message


def test_a_part_without_rows_is_refused() -> None:
    error = refusal(plan("random", test_fraction=0.01), SplitTable(rows=10))

    assert (error.reason, error.field) == ("DATASET_TOO_SMALL", "split.test_fraction")


def test_one_group_is_refused() -> None:
    table = SplitTable(rows=9, values=np.array(["p1"] * 9, dtype=object), column="patient")

    error = refusal(plan("group"), table)

    assert (error.reason, error.field) == ("GROUPS_TOO_FEW", "group_column")
    assert "'patient' has 1 group in 9 rows" in error.message


def test_more_folds_than_groups_are_refused() -> None:
    table = SplitTable(rows=40, values=np.repeat(["a", "b", "c", "d"], 10), column="patient")

    error = refusal(plan("group", folds=4), table)

    assert (error.reason, error.field) == ("GROUPS_TOO_FEW", "split.folds")
    assert "has 3 groups in 30 rows; 4 folds need at least 4" in error.message


def test_classes_that_are_each_in_one_group_are_refused() -> None:
    table = SplitTable(
        rows=20, codes=np.repeat([0, 1], 10), values=np.repeat(["a", "b"], 10), column="centre"
    )

    error = refusal(plan("group"), table)

    assert error.reason == "GROUPS_TOO_FEW"
    assert "none can be held out" in error.message


def test_class_of_one_group_trains_and_cannot_be_folded() -> None:
    codes = np.array([0] * 30 + [1] * 10)
    table = SplitTable(rows=40, codes=codes, values=np.repeat(list("abcd"), 10), column="centre")

    assert set(codes[divide_rows(plan("group"), table).hold_out.train]) == {0, 1}
    assert refusal(plan("group", folds=2), table).reason == "GROUPS_TOO_FEW"


def test_one_time_is_refused() -> None:
    error = refusal(plan("time"), SplitTable(rows=9, values=np.full(9, 2020), column="year"))

    assert (error.reason, error.field) == ("TIMES_TOO_FEW", "time_column")
    assert "1 distinct time in 9 rows" in error.message


def test_named_folds_that_leave_a_class_to_one_of_them_are_refused() -> None:
    codes = np.array([0, 1, 0, 1, 2, 2, 0, 1, 2])
    parts = np.array([0, 0, 1, 1, 1, 1, 2, 2, 2])
    table = SplitTable(rows=9, codes=codes, values=parts, column="fold")

    error = refusal(plan("predefined"), table)

    assert (error.reason, error.field) == ("TARGET_CLASS_TOO_SMALL", "split")
    assert "give each part of the column rows of every class" in error.message


def test_time_folds_that_train_on_one_class_are_refused() -> None:
    codes = np.repeat([0, 1], [20, 10])
    table = SplitTable(rows=30, codes=codes, values=np.arange(30), column="day")

    assert refusal(plan("time", folds=4), table).reason == "TARGET_SINGLE_CLASS"


@pytest.mark.parametrize(
    ("strategy", "field"),
    [("group", "group_column"), ("time", "time_column"), ("predefined", "split_column")],
)
def test_missing_values_are_refused_with_their_count(strategy: Strategy, field: str) -> None:
    values = np.array([1.0, np.nan, 2.0, np.nan])

    error = refusal(plan(strategy), SplitTable(rows=4, values=values, column="visit"))

    assert (error.reason, error.field) == ("SPLIT_VALUE_MISSING", field)
    assert "no value in 2 of 4 rows" in error.message


def test_a_strategy_without_its_column_is_refused() -> None:
    error = refusal(plan("group"), SplitTable(rows=4))

    assert (error.reason, error.field) == ("FIELD_REQUIRED", "group_column")


@pytest.mark.parametrize(
    ("values", "reason", "said"),
    [
        (["train", "test", "spare"], "SPLIT_VALUE_UNKNOWN", "'spare'; allowed are train"),
        (["train", "test", "1.5"], "SPLIT_VALUE_UNKNOWN", "'1.5'"),
        (["train", "test", "9" * 19], "SPLIT_VALUE_UNKNOWN", "'9999999999999999999'"),
        (["train", "test", "9" * 5000], "SPLIT_VALUE_UNKNOWN", "'9999999999999999999"),
        (["validation", "test", "1"], "SPLIT_VALUE_UNKNOWN", "both validation and numbers"),
        (["train", "train", "validation"], "SPLIT_PART_EMPTY", "no row for the test part"),
        (["validation", "test", "test"], "SPLIT_PART_EMPTY", "no row for the train part"),
        (["0", "0", "0"], "SPLIT_PART_EMPTY", "no row for the train part"),
    ],
)
def test_columns_that_name_no_division_are_refused(
    values: list[str], reason: str, said: str
) -> None:
    table = SplitTable(rows=3, values=np.array(values, dtype=object), column="part")

    error = refusal(plan("predefined"), table)

    assert (error.reason, error.field) == (reason, "split_column")
    assert said in error.message
