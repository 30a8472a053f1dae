"""What holds for every plan, whatever the strategy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omniscope_ml.errors import DataError
from omniscope_ml.splits.divide import divide_rows
from omniscope_ml.splits.parts import Split
from omniscope_ml.splits.plan import STRATEGIES, SplitPlan
from omniscope_ml.splits.table import SplitTable

PARTS = np.array(["train", "validation", "test"], dtype=object)


@st.composite
def plans(draw: st.DrawFn) -> SplitPlan:
    strategy = draw(st.sampled_from(STRATEGIES))
    inner = draw(st.sampled_from(["open", "folds", "fraction"]))
    planned = strategy != "predefined"
    return SplitPlan(
        strategy=strategy,
        test_fraction=draw(st.floats(0.05, 0.6)),
        seed=draw(st.integers(0, 2**31 - 1)),
        folds=draw(st.integers(2, 6)) if planned and inner == "folds" else None,
        validation_fraction=draw(st.floats(0.1, 0.5)) if planned and inner == "fraction" else None,
    )


@st.composite
def tables(draw: st.DrawFn, strategy: str) -> SplitTable:
    rows, seed = draw(st.integers(2, 120)), draw(st.integers(0, 1_000))
    generator = np.random.default_rng(seed)
    classes = draw(st.integers(0, 4))
    needs_classes = strategy == "stratified" and not classes
    codes = generator.integers(0, 2 if needs_classes else classes, rows) if classes else None
    if needs_classes:
        codes = generator.integers(0, 2, rows)
    values = {
        "group": generator.integers(0, draw(st.integers(1, 30)), rows),
        "time": generator.integers(0, draw(st.integers(1, 60)), rows),
        "predefined": generator.choice(PARTS, rows),
    }.get(strategy)
    return SplitTable(rows=rows, codes=codes, values=values, column="column")


@st.composite
def divisions(draw: st.DrawFn) -> tuple[SplitPlan, SplitTable]:
    plan = draw(plans())
    return plan, draw(tables(plan.strategy))


def divided(plan: SplitPlan, table: SplitTable) -> Split | None:
    """Divide, or return None where the plan is refused with a reason and a field."""
    try:
        return divide_rows(plan, table)
    except DataError as error:
        refused = error
    assert refused.reason
    assert refused.field
    return None


@given(divisions())
@settings(max_examples=100, deadline=None)
def test_parts_are_disjoint_and_complete(division: tuple[SplitPlan, SplitTable]) -> None:
    plan, table = division
    split = divided(plan, table)
    if split is None:
        return

    hold_out = split.hold_out
    assert sorted([*hold_out.train, *hold_out.test]) == list(range(table.rows))
    assert len(hold_out.train)
    assert len(hold_out.test)
    for fold in split.folds:
        assert len(fold.train)
        assert len(fold.validation)
        assert not set(fold.train) & set(fold.validation)
        assert {*fold.train, *fold.validation} <= set(hold_out.train)


@given(divisions())
@settings(max_examples=100, deadline=None)
def test_folds_are_as_many_as_planned_and_validate_no_row_twice(
    division: tuple[SplitPlan, SplitTable],
) -> None:
    plan, table = division
    split = divided(plan, table)
    if split is None or plan.strategy == "predefined":
        return

    validated = [row for fold in split.folds for row in fold.validation]
    assert len(split.folds) == (plan.folds or int(plan.validation_fraction is not None))
    assert len(validated) == len(set(validated))
    if plan.folds and plan.strategy != "time":
        assert sorted(validated) == split.hold_out.train.tolist()


@given(divisions())
@settings(max_examples=100, deadline=None)
def test_the_same_plan_gives_the_same_parts(division: tuple[SplitPlan, SplitTable]) -> None:
    first, again = divided(*division), divided(*division)

    assert (first is None) == (again is None)
    if first is not None and again is not None:
        assert np.array_equal(first.hold_out.test, again.hold_out.test)
        for one, other in zip(first.folds, again.folds, strict=True):
            assert np.array_equal(one.validation, other.validation)


@given(divisions())
@settings(max_examples=100, deadline=None)
def test_every_class_is_in_the_training_part_of_every_fold(
    division: tuple[SplitPlan, SplitTable],
) -> None:
    plan, table = division
    split = divided(plan, table)
    if split is None or table.codes is None or plan.strategy in ("time", "predefined"):
        return

    present = set(table.codes[split.hold_out.train])
    for fold in split.folds:
        assert set(table.codes[fold.train]) == present
    if plan.strategy in ("stratified", "group"):
        assert present == set(table.codes)


def test_rows_of_stored_models_are_found_again() -> None:
    codes = np.arange(30) % 3
    plain = SplitPlan(strategy="random", test_fraction=0.2, seed=7)
    by_class = SplitPlan(strategy="stratified", test_fraction=0.2, seed=7)

    test = divide_rows(plain, SplitTable(rows=30)).hold_out.test.tolist()
    test_by_class = divide_rows(by_class, SplitTable(rows=30, codes=codes)).hold_out.test.tolist()

    assert test == [4, 12, 14, 22, 24, 28]
    assert test_by_class == [0, 7, 13, 14, 20, 24]


def test_another_seed_gives_other_rows() -> None:
    table = SplitTable(rows=100, codes=np.arange(100) % 2)

    one, other = (
        divide_rows(SplitPlan(strategy="stratified", test_fraction=0.2, seed=seed, folds=4), table)
        for seed in (1, 2)
    )

    assert not np.array_equal(one.hold_out.test, other.hold_out.test)
    assert not np.array_equal(one.folds[0].validation, other.folds[0].validation)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"test_fraction": 0.0}, "split.test_fraction"),
        ({"test_fraction": float("nan")}, "split.test_fraction"),
        ({"validation_fraction": 1.0}, "split.validation_fraction"),
        ({"folds": 1}, "split.folds"),
        ({"folds": 5, "validation_fraction": 0.2}, "split.folds"),
        ({"folds": 5, "strategy": "predefined"}, "split.folds"),
        ({"validation_fraction": 0.1, "strategy": "predefined"}, "split.validation_fraction"),
    ],
)
def test_plans_that_contradict_themselves_are_refused(
    values: dict[str, object], field: str
) -> None:
    plan = {"strategy": "random", "test_fraction": 0.2, "seed": 0, **values}

    with pytest.raises(DataError, match=field) as caught:
        SplitPlan(**plan)  # type: ignore[arg-type]  # values of many types

    assert (caught.value.reason, caught.value.field) == ("FIELD_INVALID", field)
