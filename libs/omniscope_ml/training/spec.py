"""The part of a training's spec by which its rows are read, divided and measured."""

from dataclasses import dataclass
from typing import Literal

from omniscope_ml.preprocessing.options import SelectionMethod
from omniscope_ml.splits.plan import Strategy

ProblemType = Literal["binary", "multiclass", "regression"]


@dataclass(frozen=True, kw_only=True)
class TableSpec:
    """A checked training request, without what is special about the method.

    Attributes:
        job_id: The job.
        attempt: Number of the attempt, from 1.
        dataset_id: ULID of the dataset.
        dataset_digest: SHA-256 of the stored file, hexadecimal.
        target_column: Column to predict.
        feature_columns: Columns to predict from, in order; never empty.
        problem_type: `binary`, `multiclass` or `regression`.
        positive_class: Class that binary metrics call positive, as text; None for other problems.
        key_column: Column that names rows; None when there is none.
        weight_column: Column with the weight of each row; None when rows weigh the same.
        split_strategy: How rows are divided.
        split_column: Column with the group, time or part of each row; None for other strategies.
        test_fraction: Share of the rows that no training sees; not used by `predefined`.
        validation_fraction: Share of the training rows that validates; None leaves it open.
        folds: Folds of the training rows that validate; None leaves it open.
        split_seed: Seed of the division.
        seed: Seed of everything else that is random.
        selection_method: Method that ranks columns; None keeps all.
        selection_top_k: How many numeric columns to keep; None keeps all.
    """

    job_id: str
    attempt: int
    dataset_id: str
    dataset_digest: str
    target_column: str
    feature_columns: tuple[str, ...]
    problem_type: ProblemType
    positive_class: str | None = None
    key_column: str | None = None
    weight_column: str | None = None
    split_strategy: Strategy = "stratified"
    split_column: str | None = None
    test_fraction: float = 0.2
    validation_fraction: float | None = None
    folds: int | None = None
    split_seed: int = 0
    seed: int = 0
    selection_method: SelectionMethod | None = None
    selection_top_k: int | None = None
