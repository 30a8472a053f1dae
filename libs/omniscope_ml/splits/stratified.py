"""Rows divided at random within each class."""

from collections.abc import Iterator

import numpy as np

from omniscope_ml.errors import DataError
from omniscope_ml.splits.at_random import round_robin
from omniscope_ml.splits.parts import Mask, Rows
from omniscope_ml.splits.table import SplitTable


def chosen_by_class(
    table: SplitTable, fraction: float, generator: np.random.Generator, *, left: int
) -> Mask:
    """Choose the same share of every class: at least one row, and never so many that few are left.

    Args:
        table: The rows.
        fraction: Share to choose.
        generator: Draws.
        left: Rows of each class that are never chosen.

    Raises:
        DataError: TARGET_CLASS_TOO_SMALL when a class has too few rows for both parts.
    """
    chosen = np.zeros(table.rows, dtype=bool)
    for code, members in _members(table):
        most = len(members) - left
        if most < 1:
            raise _class_too_small(
                table, code, len(members), f"at least {left + 1} are needed to hold one out"
            )
        count = min(max(round(len(members) * fraction), 1), most)
        chosen[generator.permutation(members)[:count]] = True
    return chosen


def folds_by_class(table: SplitTable, folds: int, generator: np.random.Generator) -> Rows:
    """Return the fold of each row, every fold with every class; sizes differ by one at most.

    Raises:
        DataError: TARGET_CLASS_TOO_SMALL when a class has fewer rows than there are folds.
    """
    order = []
    for code, members in _members(table):
        if len(members) < folds:
            raise _class_too_small(
                table, code, len(members), f"{folds} folds need at least {folds}", "split.folds"
            )
        order.append(generator.permutation(members))
    return round_robin(np.concatenate(order), folds)


def _members(table: SplitTable) -> Iterator[tuple[int, Rows]]:
    if table.codes is None:
        raise DataError(
            "a stratified split needs classes; regression has none",
            reason="PROBLEM_TYPE_MISMATCH",
            field="split.strategy",
        )
    order = np.argsort(table.codes, kind="stable")
    codes, starts = np.unique(table.codes[order], return_index=True)
    for code, members in zip(codes, np.split(order, starts[1:]), strict=True):
        yield int(code), members


def _class_too_small(
    table: SplitTable, code: int, rows: int, needed: str, field: str = "target_column"
) -> DataError:
    counted = "1 row" if rows == 1 else f"{rows} rows"
    return DataError(
        f"class {table.class_name(code)!r} has {counted}; {needed}",
        reason="TARGET_CLASS_TOO_SMALL",
        field=field,
    )
