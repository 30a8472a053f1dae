"""The spec of a training: the one form that servicer, worker and trainer agree on.

The worker writes a spec as JSON and the child reads it, so this module imports no heavy library.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from omniscope_deeplearning.options import TrainingOptions
from omniscope_ml.networks.layout import InputLayout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omniscope_ml.preprocessing.options import Imputation, Scaling, SelectionMethod
    from omniscope_ml.splits.plan import Strategy
    from omniscope_ml.training.spec import ProblemType

Accelerator = Literal["cpu", "gpu"]
MissingValues = Literal["impute", "refuse"]


@dataclass(frozen=True, kw_only=True)
class TrainSpec:
    """A checked training request with every choice made and every default filled in.

    Attributes:
        dataset_id: ULID of the dataset.
        dataset_digest: SHA-256 of the stored file, hexadecimal.
        target_column: Column to predict.
        feature_columns: Columns to predict from, in the order that a layout counts on; not empty.
        problem_type: `binary`, `multiclass` or `regression`.
        architecture: One of `omniscope_ml.networks.architectures.ARCHITECTURES`.
        job_id: The job.
        attempt: Number of the attempt, from 1.
        accelerator: What the job is for: processors even where there is a GPU, or GPUs only.
        parameters: What was chosen about the architecture; the rest has its defaults.
        input_layout: How columns become a tensor.
        training: How it learns.
        positive_class: Class that binary metrics call positive, as text; None for other problems.
        key_column: Column that names rows; None when there is none.
        weight_column: Column with the weight of each row; None when rows weigh the same.
        split_strategy: How rows are divided.
        split_column: Column with the group, time or part of each row; None for other strategies.
        test_fraction: Share of the rows that no training sees; not used by `predefined`.
        validation_fraction: Share of the training rows that chooses the epoch; None where a
            column names them.
        split_seed: Seed of the division.
        seed: Seed of everything else that is random.
        missing_values: `impute`, or `refuse` features that have gaps.
        imputation: What stands for a missing number, as PreprocessingOptions names it.
        scaling: How numbers are scaled, as PreprocessingOptions names it.
        log1p: Whether logarithms are taken first.
        indicators: Whether gaps get columns of their own.
        selection_method: What columns are ranked by; None keeps all.
        selection_top_k: How many numeric columns to keep; None keeps all.
    """

    dataset_id: str
    dataset_digest: str
    target_column: str
    feature_columns: tuple[str, ...]
    problem_type: ProblemType
    architecture: str
    job_id: str
    attempt: int
    accelerator: Accelerator = "cpu"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    input_layout: InputLayout = field(default_factory=InputLayout)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    positive_class: str | None = None
    key_column: str | None = None
    weight_column: str | None = None
    split_strategy: Strategy = "stratified"
    split_column: str | None = None
    test_fraction: float = 0.2
    validation_fraction: float | None = 0.2
    split_seed: int = 0
    seed: int = 0
    missing_values: MissingValues = "impute"
    imputation: Imputation = "median"
    scaling: Scaling = "standard"
    log1p: bool = False
    indicators: bool = False
    selection_method: SelectionMethod | None = None
    selection_top_k: int | None = None

    @property
    def folds(self) -> None:
        """Folds of the training rows: a network is validated by one part."""
        return

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as values that JSON can carry."""
        return {**dataclasses.asdict(self), "feature_columns": list(self.feature_columns)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainSpec:
        """Read what `to_dict` wrote.

        Raises:
            ValueError: A key is missing or unknown: worker and child are of different versions.
        """
        expected = {field.name for field in dataclasses.fields(cls)}
        if wrong := expected ^ values.keys():
            raise ValueError(
                f"a training spec has exactly {sorted(expected)}; wrong: {sorted(wrong)}"
            )
        nested = {
            "feature_columns": tuple(values["feature_columns"]),
            "input_layout": InputLayout(**values["input_layout"]),
            "training": TrainingOptions(**values["training"]),
        }
        return cls(**{**values, **nested})
