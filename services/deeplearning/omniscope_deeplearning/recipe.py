"""How a network learns where the request leaves that to the data."""

from dataclasses import asdict, dataclass

from omniscope_deeplearning.options import Optimizer, batch_size_for
from omniscope_deeplearning.prepared import PreparedTable
from omniscope_deeplearning.spec import TrainSpec


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The options that `TrainingOptions` may leave open, decided for certain rows.

    Attributes:
        batch_size: Rows of a batch.
        optimizer: Name of the optimizer.
        learning_rate: Largest step size.
        weight_decay: Pull of the weights towards 0.
        dropout: Share of inner values left out of each step.
        min_improvement: How much smaller a validation loss has to be to count as smaller.
    """

    batch_size: int
    optimizer: Optimizer
    learning_rate: float
    weight_decay: float
    dropout: float
    min_improvement: float

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.texts().items())

    def texts(self) -> dict[str, str]:
        """Return what was decided as text, by name."""
        return {name: str(value) for name, value in asdict(self).items()}


def recipe_for(spec: TrainSpec, prepared: PreparedTable) -> Recipe:
    """Return what was asked for, and else what suits the rows.

    Raises:
        DataError: FIELD_INVALID when batches are to have more rows than train.
    """
    options, wide = spec.training, prepared.is_wide
    # Of all weights that explain few rows by many columns, steps along the gradient find the
    # smallest; Adam's, equal for every weight, do not (Wilson et al. 2017,
    # https://arxiv.org/abs/1705.08292).
    optimizer = options.optimizer or ("sgd" if wide and spec.architecture == "mlp" else "adamw")
    classes = prepared.table.labels is not None
    return Recipe(
        batch_size=batch_size_for(options, len(prepared.fold.train)),
        optimizer=optimizer,
        learning_rate=_chosen(options.learning_rate, 0.05 if optimizer == "sgd" else 1e-3),
        weight_decay=_chosen(options.weight_decay, 0.1 if wide else 0.01),
        dropout=_chosen(options.dropout, 0.3 if wide else 0.1),
        min_improvement=_chosen(options.min_improvement, 1e-3 if classes else 1e-4),
    )


def _chosen(asked: float | None, default: float) -> float:
    return default if asked is None else asked
