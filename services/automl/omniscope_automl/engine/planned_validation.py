"""Has AutoGluon rank candidates on the parts that the plan says, not on parts of its own.

AutoGluon's `ValidationStructure` (`autogluon.common.utils.validation_structure`) must name columns
of the table, and they stay features. Here the structure holds the plan and what it looks at
instead: group, time and part are never features.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from autogluon.common.utils.validation_structure import ValidationStructure

from omniscope_ml.errors import DataError
from omniscope_ml.splits.divide import validation_folds, validation_part
from omniscope_ml.splits.parts import Fold, Rows
from omniscope_ml.splits.plan import SplitPlan
from omniscope_ml.splits.table import SplitTable
from omniscope_ml.training.training_table import TrainingTable

Parts = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


@dataclass(frozen=True, kw_only=True)
class PlannedValidation(ValidationStructure):  # type: ignore[misc]  # AutoGluon is untyped
    """Divides rows for AutoGluon, which asks for folds where it bags and for a part where not.

    AutoGluon may ask about some of the rows only; their index says which.

    Attributes:
        plan: How rows are divided.
        table: The training rows.
        folds: The folds that the plan asks for; none where AutoGluon chooses how many.
    """

    plan: SplitPlan
    table: SplitTable
    folds: tuple[Fold, ...]

    def __post_init__(self) -> None:
        """Name no columns, which the overridden method insists on."""

    def custom_splits(
        self,
        X: pd.DataFrame,  # noqa: N803 - AutoGluon's name
        y: pd.Series,
        num_folds: int | None = None,
        num_repeats: int | None = None,
        random_state: int = 0,
        problem_type: str | None = None,
    ) -> tuple[list[Parts], int, int]:
        """Return the folds, their number and the number of repetitions, which is 1."""
        rows = X.index.to_numpy()
        folds = _among(self.folds, rows) or self._most_folds(rows, num_folds or 2)
        return [(fold.train, fold.validation) for fold in folds], len(folds), 1

    def holdout_split_indices(
        self,
        X: pd.DataFrame,  # noqa: N803 - AutoGluon's name
        y: pd.Series,
        holdout_frac: float,
        random_state: int = 0,
        problem_type: str | None = None,
        min_cls_count_train: int = 1,
    ) -> Parts:
        """Return the one part of the plan, or a part of the share that AutoGluon asks for."""
        rows = X.index.to_numpy()
        planned = _among(self.folds, rows)
        if len(planned) == 1:
            return planned[0].train, planned[0].validation
        fold = validation_part(self.plan, self.table.take(rows), holdout_frac)
        return fold.train, fold.validation

    def rare_stratification_values(self, *_: Any, **__: Any) -> dict[Any, int]:
        """Return none: plans that leave a fold without a class are refused."""
        return {}

    def _most_folds(self, rows: Rows, wanted: int) -> tuple[Fold, ...]:
        """Return as many folds as groups, times and classes allow, up to those wanted."""
        table = self.table.take(rows)
        for folds in range(wanted, 2, -1):
            try:
                return validation_folds(self.plan, table, folds)
            except DataError:
                continue
        return validation_folds(self.plan, table, 2)


def validation_arguments(table: TrainingTable) -> dict[str, Any]:
    """Return what AutoGluon's `fit` needs to validate as the plan says; empty: its own way."""
    plan = table.division.plan
    if plan.strategy not in ("group", "time") and not table.folds:
        return {}
    train = table.hold_out.train
    structure = PlannedValidation(
        plan=plan,
        table=table.division.table.take(train),
        folds=_among(table.folds, train),
        # Has AutoGluon refuse to stack where the oldest rows have no out-of-fold predictions.
        temporal_forward_only=plan.strategy == "time",
    )
    return {"validation_structure": structure, **_bagging(plan, len(table.folds))}


def _bagging(plan: SplitPlan, folds: int) -> dict[str, Any]:
    if folds == 1:
        return {"auto_stack": False, "num_bag_folds": 0} | _UNSTACKED
    counted = {"num_bag_folds": folds, "num_bag_sets": 1} if folds else {}
    return counted | (_UNSTACKED if plan.strategy == "time" else {})


_UNSTACKED = {"num_stack_levels": 0, "dynamic_stacking": False}


def _among(folds: tuple[Fold, ...], rows: Rows) -> tuple[Fold, ...]:
    """Return folds as places within some rows, without those that then have an empty part."""
    within = (
        Fold(
            train=np.flatnonzero(np.isin(rows, fold.train)),
            validation=np.flatnonzero(np.isin(rows, fold.validation)),
        )
        for fold in folds
    )
    return tuple(fold for fold in within if len(fold.train) and len(fold.validation))
