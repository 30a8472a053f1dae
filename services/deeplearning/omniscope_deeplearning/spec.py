"""The spec of a training: the one form that servicer, worker and trainer agree on.

The worker writes a spec as JSON and the child reads it, so this module imports no heavy library.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from omniscope_deeplearning.options import TrainingOptions
from omniscope_ml.networks.layout import InputLayout
from omniscope_ml.networks.parameters import Value
from omniscope_ml.preprocessing.options import Imputation, Scaling
from omniscope_ml.training.spec import TableSpec

Accelerator = Literal["cpu", "gpu"]
MissingValues = Literal["impute", "refuse"]


@dataclass(frozen=True, kw_only=True)
class TrainSpec(TableSpec):
    """A checked training request with every choice made and every default filled in.

    The order of `feature_columns` is what a layout counts on. One part of the training rows
    chooses the epoch: a share, or rows that a column names; there are no folds.

    Attributes:
        architecture: One of `omniscope_ml.networks.architectures.ARCHITECTURES`.
        accelerator: What the job is for: processors even where there is a GPU, or GPUs only.
        parameters: What was chosen about the architecture; the rest has its defaults.
        input_layout: How columns become a tensor.
        training: How it learns.
        missing_values: `impute`, or `refuse` features that have gaps.
        imputation: What stands for a missing number, as PreprocessingOptions names it.
        scaling: How numbers are scaled, as PreprocessingOptions names it.
        log1p: Whether logarithms are taken first.
        indicators: Whether gaps get columns of their own.
    """

    architecture: str
    accelerator: Accelerator = "cpu"
    parameters: Mapping[str, Value] = field(default_factory=dict)
    input_layout: InputLayout = field(default_factory=InputLayout)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    validation_fraction: float | None = 0.2
    missing_values: MissingValues = "impute"
    imputation: Imputation = "median"
    scaling: Scaling = "standard"
    log1p: bool = False
    indicators: bool = False
