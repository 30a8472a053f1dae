"""Divides the rows of a table as a plan says."""

import numpy as np

from omniscope_ml.errors import DataError
from omniscope_ml.splits.at_random import chosen_at_random, folds_at_random
from omniscope_ml.splits.groups import chosen_groups, folds_by_group
from omniscope_ml.splits.parts import (
    Fold,
    HoldOut,
    Mask,
    Rows,
    Split,
    folds_by_number,
    forward_folds,
    held_out_where,
    within,
)
from omniscope_ml.splits.plan import SplitPlan
from omniscope_ml.splits.predefined import predefined_folds, predefined_hold_out
from omniscope_ml.splits.stratified import chosen_by_class, folds_by_class
from omniscope_ml.splits.table import SplitTable
from omniscope_ml.splits.times import folds_of_time, newest_rows

# What the held-out part leaves of every class, so that some of it can train and some be judged.
_ROWS_LEFT = 2


def divide_rows(plan: SplitPlan, table: SplitTable) -> Split:
    """Divide the rows of a table.

    Raises:
        DataError: The plan is impossible for these rows; the message has the counts. Reasons
            DATASET_TOO_SMALL, TARGET_CLASS_TOO_SMALL, TARGET_SINGLE_CLASS, GROUPS_TOO_FEW,
            TIMES_TOO_FEW, SPLIT_VALUE_MISSING, SPLIT_VALUE_UNKNOWN, SPLIT_PART_EMPTY,
            FIELD_REQUIRED without the column that the strategy needs.
    """
    hold_out = _hold_out(plan, table)
    return Split(hold_out, _planned_folds(plan, table, hold_out.train))


def validation_folds(plan: SplitPlan, table: SplitTable, folds: int) -> tuple[Fold, ...]:
    """Divide training rows into folds, for methods that choose how many.

    Args:
        plan: Its strategy and seed count; predefined rows are divided by class or at random.
        table: The training rows only; places count within them.
        folds: How many.

    Raises:
        DataError: As `divide_rows`.
    """
    generator = _inner_generator(plan)
    if plan.strategy == "time":
        made = forward_folds(folds_of_time(table, folds))
    elif plan.strategy == "group":
        made = folds_by_number(folds_by_group(table, folds, generator))
    elif _by_class(plan, table):
        made = folds_by_number(folds_by_class(table, folds, generator))
    else:
        made = folds_by_number(folds_at_random(table.rows, folds, generator))
    for fold in made:
        _check_classes(plan, table, fold)
    return made


def validation_part(plan: SplitPlan, table: SplitTable, fraction: float) -> Fold:
    """Divide training rows into those to fit on and a share to validate on.

    Args:
        plan: As for `validation_folds`.
        table: The training rows only; places count within them.
        fraction: Share to validate on.

    Raises:
        DataError: As `divide_rows`.
    """
    field = "split.validation_fraction"
    chosen = _chosen(plan, table, fraction, _inner_generator(plan), field, left=1)
    hold_out = held_out_where(chosen)
    fold = Fold(train=hold_out.train, validation=hold_out.test)
    _check_classes(plan, table, fold)
    return fold


def _hold_out(plan: SplitPlan, table: SplitTable) -> HoldOut:
    if plan.strategy == "predefined":
        return predefined_hold_out(table)
    generator = np.random.default_rng(plan.seed)
    left = _ROWS_LEFT if plan.strategy == "stratified" or plan.folds else 1
    field = "split.test_fraction"
    return held_out_where(_chosen(plan, table, plan.test_fraction, generator, field, left=left))


def _planned_folds(plan: SplitPlan, table: SplitTable, rows: Rows) -> tuple[Fold, ...]:
    if plan.folds is not None:
        return within(rows, validation_folds(plan, table.take(rows), plan.folds))
    if plan.validation_fraction is not None:
        part = validation_part(plan, table.take(rows), plan.validation_fraction)
        return within(rows, (part,))
    if plan.strategy == "predefined":
        made = predefined_folds(table, rows)
        for fold in made:
            _check_classes(plan, table.take(rows), fold)
        return within(rows, made)
    return ()


def _chosen(
    plan: SplitPlan,
    table: SplitTable,
    fraction: float,
    generator: np.random.Generator,
    field: str,
    *,
    left: int,
) -> Mask:
    if plan.strategy == "time":
        return newest_rows(table, fraction)
    if plan.strategy == "group":
        return chosen_groups(table, fraction, generator, left=left)
    if _by_class(plan, table):
        return chosen_by_class(table, fraction, generator, left=left)
    return chosen_at_random(table.rows, fraction, generator, field)


def _by_class(plan: SplitPlan, table: SplitTable) -> bool:
    predefined = plan.strategy == "predefined" and table.codes is not None
    return plan.strategy == "stratified" or predefined


def _inner_generator(plan: SplitPlan) -> np.random.Generator:
    """Return another stream than the held-out rows are drawn from."""
    return np.random.default_rng((plan.seed, 1))


def _advice(plan: SplitPlan) -> str:
    if plan.strategy == "predefined":
        return "give each part of the column rows of every class"
    return "use fewer folds, a smaller share or the stratified split"


def _check_classes(plan: SplitPlan, table: SplitTable, fold: Fold) -> None:
    """Refuse a fold that trains on too few classes: all are needed, or two where time decides."""
    if table.codes is None:
        return
    missing = np.setdiff1d(table.codes, table.codes[fold.train])
    trained = len(np.unique(table.codes[fold.train]))
    if trained < 2 or (missing.size and plan.strategy != "time"):
        lost = (
            ""
            if not missing.size
            else f", among those missing {table.class_name(int(missing[0]))!r}"
        )
        raise DataError(
            f"a validation fold of {len(fold.validation)} rows leaves {len(fold.train)} rows of "
            f"{trained} classes to train on{lost}; {_advice(plan)}",
            reason="TARGET_SINGLE_CLASS" if trained < 2 else "TARGET_CLASS_TOO_SMALL",
            field="split",
        )
