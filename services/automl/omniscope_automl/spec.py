"""What a training is asked to do: the one form that servicer, worker and trainer agree on.

The worker writes a spec as JSON and the child reads it, so this module imports nothing beyond the
standard library.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omniscope_ml.preprocessing.options import SelectionMethod
    from omniscope_ml.splits.plan import Strategy
    from omniscope_ml.training.spec import ProblemType

DEFAULT_TIME_LIMIT: Final = 600
TIME_LIMIT_RANGE: Final = (10, 604_800)


@dataclass(frozen=True, kw_only=True)
class TrainSpec:
    """A checked training request with every choice made and every default filled in.

    Attributes:
        dataset_id: ULID of the dataset.
        dataset_digest: SHA-256 of the stored file, hexadecimal.
        target_column: Column to predict.
        feature_columns: Columns to predict from; never empty.
        problem_type: `binary`, `multiclass` or `regression`.
        positive_class: Class that binary metrics call positive, as text; None for other problems.
        time_limit: Seconds that the search may take.
        quality: AutoGluon's preset.
        key_column: Column that names rows; None when there is none.
        weight_column: Column with the weight of each row; None when rows weigh the same.
        split_strategy: How rows are divided.
        test_fraction: Share of the rows that no training sees; not used by `predefined`.
        split_seed: Seed of the division.
        seed: Seed of everything else that is random.
        eval_metric: Metric that candidates are ranked by, as AutoGluon names it.
        included_model_families: Only these families; empty means those of the preset.
        excluded_model_families: None of these families.
        job_id: The job.
        attempt: Number of the attempt, from 1.
        split_column: Column with the group, time or part of each row; None for other strategies.
        validation_fraction: Share of the training rows that ranks candidates; None leaves it to
            AutoGluon.
        folds: Folds of the training rows that rank candidates; None leaves it to AutoGluon.
        selection_method: What columns are ranked by; None keeps all.
        selection_top_k: How many numeric columns to keep; None keeps all.
    """

    dataset_id: str
    dataset_digest: str
    target_column: str
    feature_columns: tuple[str, ...]
    problem_type: ProblemType
    positive_class: str | None
    time_limit: int
    quality: str
    key_column: str | None
    weight_column: str | None
    split_strategy: Strategy
    test_fraction: float
    split_seed: int
    seed: int
    eval_metric: str
    included_model_families: tuple[str, ...]
    excluded_model_families: tuple[str, ...]
    job_id: str
    attempt: int
    split_column: str | None = None
    validation_fraction: float | None = None
    folds: int | None = None
    selection_method: SelectionMethod | None = None
    selection_top_k: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as values that JSON can carry."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(self).items()
        }

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
        return cls(**{name: _frozen(value) for name, value in values.items()})


def hard_limit_seconds(time_limit: int) -> int:
    """Return the seconds after which an attempt is stopped, whatever it does.

    Searches overrun their soft limit by some share of it, and packaging takes its time on top.
    """
    return math.ceil(1.25 * time_limit) + 120


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
