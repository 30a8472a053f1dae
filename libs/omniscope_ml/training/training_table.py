"""Reads from a dataset what one training needs, and divides its rows."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from omniscope_ml.datasets.arrow_file import Dataset, open_dataset
from omniscope_ml.errors import DataError
from omniscope_ml.labels import ClassLabels
from omniscope_ml.preprocessing.options import SelectionOptions
from omniscope_ml.preprocessing.selection import FeatureSelector, SelectedFeatures
from omniscope_ml.schema import Feature, align
from omniscope_ml.splits.divide import divide_rows
from omniscope_ml.splits.parts import Fold, HoldOut, Rows
from omniscope_ml.splits.plan import SplitPlan
from omniscope_ml.splits.table import SplitTable
from omniscope_ml.training.spec import TableSpec

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Division:
    """How the rows of a table are divided.

    Attributes:
        plan: The plan.
        table: What it may look at.
    """

    plan: SplitPlan
    table: SplitTable


@dataclass(frozen=True)
class TrainingTable:
    """The rows that have a target value, with everything that a training asks of them.

    Attributes:
        features: The columns to predict from.
        frame: Shape (rows, features).
        target: Native labels, or numbers for regression, shape (rows,).
        labels: The classes; None for regression.
        weights: Weight of each row; None when rows weigh the same.
        keys: Name of each row; None without a key column.
        rows: Place of each row in the dataset.
        division: What divides these rows, and what it may look at.
        hold_out: Which of these rows train and which are held out.
        folds: Divisions of the training rows that the plan asks for; none leaves it to AutoGluon.
        selection: The columns that were chosen, all others are gone; None when all are used.
    """

    features: tuple[Feature, ...]
    frame: "pd.DataFrame"
    target: npt.NDArray[Any]
    labels: ClassLabels | None
    weights: npt.NDArray[np.float64] | None
    keys: list[object] | None
    rows: Rows
    division: Division
    hold_out: HoldOut
    folds: tuple[Fold, ...]
    selection: SelectedFeatures | None

    @property
    def codes(self) -> Rows:
        """Class of each row, from 0; classification only."""
        if self.labels is None:
            raise DataError("a regression has no classes", reason="PROBLEM_TYPE_MISMATCH")
        return self.labels.codes(self.target.tolist())


def read_training_table(path: Path, spec: TableSpec) -> TrainingTable:
    """Read and divide the rows of a dataset for a training.

    Raises:
        DataError: COLUMN_NOT_FOUND, TARGET_NOT_NUMERIC, TARGET_SINGLE_CLASS,
            TARGET_CLASS_TOO_SMALL, DATASET_TOO_SMALL, COLUMN_ROLE_CONFLICT, and those of
            `divide_rows`.
    """
    dataset = open_dataset(path)
    rows = _labelled_rows(dataset, spec.target_column)
    target = _target(dataset, spec, rows)
    labels = None if spec.problem_type == "regression" else _classes(target, spec)
    features = tuple(Feature(name, dataset.type_of(name)) for name in spec.feature_columns)
    frame = dataset.frame(spec.feature_columns)
    division = _division(dataset, spec, rows, target, labels)
    split = divide_rows(division.plan, division.table)
    table = TrainingTable(
        features=features,
        frame=align(frame.iloc[rows].reset_index(drop=True), features),
        target=target,
        labels=labels,
        weights=_weights(dataset, spec, rows),
        keys=_keys(dataset, spec, rows),
        rows=rows,
        division=division,
        hold_out=split.hold_out,
        folds=split.folds,
        selection=None,
    )
    _check_training_classes(table, spec)
    _check_training_weights(table, spec)
    return with_selected_features(table, spec)


def with_selected_features(table: TrainingTable, spec: TableSpec) -> TrainingTable:
    """Return the table with the columns that the request asks to keep.

    They are chosen by the rows that models are fitted on: where one part of the training rows
    validates, without it, so that validation scores stay honest.
    """
    if spec.selection_method is None or spec.selection_top_k is None:
        return table
    options = SelectionOptions(method=spec.selection_method, top_k=spec.selection_top_k)
    fitted_on = table.folds[0].train if len(table.folds) == 1 else table.hold_out.train
    selection = FeatureSelector(options).fit(
        table.frame,
        table.features,
        fitted_on,
        codes=None if table.labels is None else table.codes,
        numbers=table.target if table.labels is None else None,
    )
    return dataclasses.replace(
        table,
        features=selection.of(table.features),
        frame=selection.transform(table.frame),
        selection=selection,
    )


def _labelled_rows(dataset: Dataset, target_column: str) -> Rows:
    known = dataset.column(target_column).is_valid().to_numpy(zero_copy_only=False)
    return np.flatnonzero(known)


def _target(dataset: Dataset, spec: TableSpec, rows: Rows) -> npt.NDArray[Any]:
    column = dataset.column(spec.target_column).take(rows)
    kind = dataset.type_of(spec.target_column)
    if spec.problem_type != "regression":
        values = np.empty(len(rows), dtype=object)
        values[:] = column.to_pylist()
        return values
    if kind not in ("float32", "float64", "int64"):
        raise DataError(
            f"target column {spec.target_column!r} is {kind}; regression needs numbers",
            reason="TARGET_NOT_NUMERIC",
            field="target_column",
        )
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def _classes(target: npt.NDArray[Any], spec: TableSpec) -> ClassLabels:
    labels = ClassLabels.of(target.tolist())
    if len(labels.values) < 2:
        raise _single_class(spec, "the dataset")
    return labels


def _weights(dataset: Dataset, spec: TableSpec, rows: Rows) -> npt.NDArray[np.float64] | None:
    if spec.weight_column is None:
        return None
    return np.asarray(dataset.matrix([spec.weight_column])[rows, 0], dtype=np.float64)


def _keys(dataset: Dataset, spec: TableSpec, rows: Rows) -> list[object] | None:
    if spec.key_column is None:
        return None
    keys: list[object] = dataset.column(spec.key_column).take(rows).to_pylist()
    return keys


def _division(
    dataset: Dataset,
    spec: TableSpec,
    rows: Rows,
    target: npt.NDArray[Any],
    labels: ClassLabels | None,
) -> Division:
    plan = SplitPlan(
        strategy=spec.split_strategy,
        test_fraction=spec.test_fraction,
        seed=spec.split_seed,
        validation_fraction=spec.validation_fraction,
        folds=spec.folds,
    )
    table = SplitTable(
        rows=len(rows),
        codes=None if labels is None else labels.codes(target.tolist()),
        classes=() if labels is None else labels.texts,
        values=_split_values(dataset, spec, rows),
        column=spec.split_column or "",
    )
    return Division(plan, table)


def _split_values(dataset: Dataset, spec: TableSpec, rows: Rows) -> npt.NDArray[Any] | None:
    if spec.split_column is None:
        return None
    return np.asarray(dataset.column(spec.split_column).take(rows).to_pandas())


def _check_training_classes(table: TrainingTable, spec: TableSpec) -> None:
    if table.labels is not None and len(np.unique(table.codes[table.hold_out.train])) < 2:
        raise _single_class(spec, "the training part; use the stratified split")


def _check_training_weights(table: TrainingTable, spec: TableSpec) -> None:
    # The column as a whole was checked; here, models would learn nothing and still succeed.
    if table.weights is not None and not table.weights[table.hold_out.train].any():
        raise DataError(
            f"weight_column {spec.weight_column!r} is 0 in every row that trains",
            reason="COLUMN_ROLE_CONFLICT",
            field="weight_column",
        )


def _single_class(spec: TableSpec, where: str) -> DataError:
    return DataError(
        f"target column {spec.target_column!r} has fewer than two classes in {where}",
        reason="TARGET_SINGLE_CLASS",
        field="target_column",
    )
