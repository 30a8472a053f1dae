"""A training's table with what a network needs besides: a validation part, and numbers only."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from omniscope_deeplearning.spec import TrainSpec
from omniscope_ml.errors import DataError
from omniscope_ml.preprocessing.options import PreprocessingOptions
from omniscope_ml.preprocessing.preprocessor import FittedPreprocessor, Preprocessor
from omniscope_ml.splits.parts import Fold
from omniscope_ml.training.training_table import TrainingTable, read_training_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PreparedTable:
    """A table that a network can be trained on.

    Attributes:
        table: The rows.
        fold: Which of the training rows weights are fitted on, and which choose the epoch.
        preprocessor: Makes numbers of the features; fitted on the fold's training rows.
    """

    table: TrainingTable
    fold: Fold
    preprocessor: FittedPreprocessor

    @property
    def columns(self) -> int:
        """Values that preprocessing gives for each row."""
        return len(self.preprocessor.output_names)

    @property
    def is_wide(self) -> bool:
        """Whether columns outnumber the rows that weights are fitted on."""
        return self.columns > len(self.fold.train)


def read_prepared_table(path: Path, spec: TrainSpec) -> PreparedTable:
    """Read, divide and prepare the rows of a dataset.

    Raises:
        DataError: MISSING_VALUES, SPLIT_PART_EMPTY where no row validates, FIELD_INVALID for
            unknown preprocessing, and those of `read_training_table`.
    """
    table = read_training_table(path, spec)
    if len(table.folds) != 1:
        raise DataError(
            f"split_column {spec.split_column!r} must name one part that validates; a network "
            "needs it to choose its epoch",
            reason="SPLIT_PART_EMPTY",
            field="split_column",
        )
    if spec.missing_values == "refuse":
        _check_missing(table.frame)
    options = PreprocessingOptions(
        log1p=spec.log1p,
        imputation=spec.imputation,
        indicators=spec.indicators,
        scaling=spec.scaling,
    )
    (fold,) = table.folds
    fitted = Preprocessor(options).fit(table.frame, table.features, fold.train)
    return PreparedTable(table, fold, fitted)


def _check_missing(frame: "pd.DataFrame") -> None:
    gaps = frame.isna().to_numpy().sum(axis=0)
    if gaps.any():
        worst = int(gaps.argmax())
        raise DataError(
            f"preprocessing.missing_values is 'refuse', and gaps are in {int((gaps > 0).sum())} "
            f"of {len(gaps)} features, most in {frame.columns[worst]!r} with {gaps[worst]} of "
            f"{len(frame)} rows; allowed for them is 'impute', or leave them out by "
            "ignore_columns",
            reason="MISSING_VALUES",
            field="preprocessing.missing_values",
        )
