"""Rows divided by whole groups, classes in proportion as far as the groups allow."""

import numpy as np
import numpy.typing as npt

from omniscope_ml.errors import DataError
from omniscope_ml.splits.parts import Mask, Rows
from omniscope_ml.splits.table import SplitTable

FIELD = "group_column"

Counts = npt.NDArray[np.float64]


def chosen_groups(
    table: SplitTable, fraction: float, generator: np.random.Generator, *, left: int
) -> Mask:
    """Choose whole groups that hold about a share of the rows of every class.

    Args:
        table: The rows; its values are their groups.
        fraction: Share of the rows to choose.
        generator: Breaks ties between groups of one size.
        left: Groups of each class that are never chosen. A class in no more groups than that is
            in none that is chosen.

    Raises:
        DataError: GROUPS_TOO_FEW with the counts, SPLIT_VALUE_MISSING.
    """
    groups, counts = _groups(table)
    rare = (counts > 0).sum(axis=0) <= left
    free = np.asarray(~(counts[:, rare] > 0).any(axis=1))
    if len(counts) < 2 or not free.any():
        held = f"each holds a class that is in {left} at most, so none can be held out"
        few = "at least 2 are needed to hold one out"
        raise _too_few(table, len(counts), few if len(counts) < 2 else held)
    parts = _assign(counts, np.array([1 - fraction, fraction]), generator, free, left)
    return np.asarray(parts[groups] == 1)


def folds_by_group(table: SplitTable, folds: int, generator: np.random.Generator) -> Rows:
    """Return the fold of each row; every group is in one fold, every class in two or more.

    Raises:
        DataError: GROUPS_TOO_FEW with the counts, SPLIT_VALUE_MISSING.
    """
    groups, counts = _groups(table)
    if len(counts) < folds:
        raise _too_few(table, len(counts), f"{folds} folds need at least {folds}", "split.folds")
    spread = (counts > 0).sum(axis=0)
    if spread.min() < 2:
        rarest = int(spread.argmin())
        where = f"class {_class_name(table, rarest)!r} is in 1 of them; folds need it in 2"
        raise _too_few(table, len(counts), where)
    free = np.ones(len(counts), dtype=bool)
    parts = _assign(counts, np.full(folds, 1 / folds), generator, free, 1, every=True)
    if len(np.unique(parts)) < folds:
        where = f"{folds} folds that each train on every class cannot be made of them"
        raise _too_few(table, len(counts), where, "split.folds")
    return parts[groups]


def _groups(table: SplitTable) -> tuple[Rows, Counts]:
    """Return the group of each row, and the rows by group and class."""
    import pandas as pd

    groups, names = pd.factorize(table.known_values(FIELD))
    codes = np.zeros(table.rows, dtype=np.int64) if table.codes is None else table.codes
    present, places = np.unique(codes, return_inverse=True)
    counts = np.bincount(groups * len(present) + places, minlength=len(names) * len(present))
    return groups, counts.reshape(len(names), len(present)).astype(np.float64)


def _assign(
    counts: Counts,
    shares: Counts,
    generator: np.random.Generator,
    free: Mask,
    left: int,
    *,
    every: bool = False,
) -> Rows:
    """Give each group to the part that lacks its classes most, large groups first.

    Args:
        counts: Rows by group and class.
        shares: Share of the rows that each part is to have.
        generator: Breaks ties between groups of one size.
        free: Groups that any part may have; the others go to the first.
        left: Groups of each class that must stay outside a part.
        every: Whether that holds for every part, or for all but the first.
    """
    present, weights = counts > 0, counts / counts.sum(axis=0)
    room = present.sum(axis=0) - left
    parts = np.zeros(len(counts), dtype=np.int64)
    lack = np.repeat(shares[:, None], counts.shape[1], axis=1)
    lack[0] -= weights[~free].sum(axis=0)
    taken = np.zeros(lack.shape, dtype=np.int64)
    empty = np.ones(len(shares), dtype=bool)
    empty[0] = bool(free.all())
    order = _large_first(counts, free, generator)
    for groups_left, group in zip(range(len(order), 0, -1), order, strict=True):
        full = (taken[:, present[group]] >= room[present[group]]).any(axis=1)
        full[0] &= every
        wanted = empty if groups_left <= empty.sum() else np.ones_like(empty)
        part = _neediest(lack @ weights[group], wanted & ~full, ~full)
        parts[group] = part
        empty[part] = False
        lack[part] -= weights[group]
        taken[part] += present[group]
    return parts


def _large_first(counts: Counts, free: Mask, generator: np.random.Generator) -> Rows:
    order = generator.permutation(np.flatnonzero(free))
    return np.asarray(order[np.argsort(-counts[order].sum(axis=1), kind="stable")])


def _neediest(need: Counts, *preferences: Mask) -> int:
    """Return the part in greatest need among those that the first preference with any allows."""
    allowed = next((mask for mask in preferences if mask.any()), np.ones(len(need), dtype=bool))
    return int(np.argmax(np.where(allowed, need, -np.inf)))


def _class_name(table: SplitTable, place: int) -> str:
    return "" if table.codes is None else table.class_name(int(np.unique(table.codes)[place]))


def _too_few(table: SplitTable, groups: int, why: str, field: str = FIELD) -> DataError:
    counted = "1 group" if groups == 1 else f"{groups} groups"
    return DataError(
        f"{FIELD} {table.column!r} has {counted} in {table.rows} rows; {why}",
        reason="GROUPS_TOO_FEW",
        field=field,
    )
