"""The table that a training spec names, read from a claimed job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from omniscope.common.v1 import feature_selection_pb2, split_pb2
from omniscope_training.ranges import DEFAULT_TEST_FRACTION, PROBLEM_TYPES
from omniscope_training.splitting import ROLE_BY_STRATEGY

if TYPE_CHECKING:
    from omniscope.registry.v1.worker_service_pb2 import ClaimedInput, ClaimJobResponse
    from omniscope_ml.preprocessing.options import SelectionMethod
    from omniscope_ml.splits.plan import Strategy
    from omniscope_ml.training.spec import ProblemType
    from omniscope_training.request import TrainingRequest

TRAINING_ROLE: Final = "training"
"""Role of the dataset that a model is trained on."""

_PROBLEM_TYPES: Final[dict[str, ProblemType]] = {name: name for name in PROBLEM_TYPES}
_SPLIT_STRATEGIES: Final[dict[int, Strategy]] = {
    split_pb2.SPLIT_STRATEGY_RANDOM: "random",
    split_pb2.SPLIT_STRATEGY_STRATIFIED: "stratified",
    split_pb2.SPLIT_STRATEGY_GROUP: "group",
    split_pb2.SPLIT_STRATEGY_TIME: "time",
    split_pb2.SPLIT_STRATEGY_PREDEFINED: "predefined",
}
_SELECTION_METHODS: Final[dict[int, SelectionMethod]] = {
    feature_selection_pb2.FEATURE_SELECTION_METHOD_F_TEST: "f_test",
    feature_selection_pb2.FEATURE_SELECTION_METHOD_VARIANCE: "variance",
}


def table_of_claim(claim: ClaimJobResponse, config: TrainingRequest) -> dict[str, Any]:
    """Return job, dataset, columns and division by the names that specs give them.

    Args:
        claim: The claimed job.
        config: Its configuration, unpacked.
    """
    features = claim.column_lists["feature_columns"].names or config.feature_columns
    return {
        "job_id": claim.lease.job_id,
        "attempt": claim.lease.attempt,
        "dataset_id": config.dataset_id,
        "dataset_digest": _dataset(claim).digest,
        "target_column": config.target_column,
        "feature_columns": tuple(features),
        "problem_type": _PROBLEM_TYPES[config.problem_type],
        "positive_class": config.positive_class or None,
        "key_column": config.key_column or None,
        "weight_column": config.weight_column or None,
        "seed": config.seed,
        **_split(config),
        **_selection(config),
    }


def _dataset(claim: ClaimJobResponse) -> ClaimedInput:
    [dataset] = [given for given in claim.inputs if given.role == TRAINING_ROLE]
    return dataset


def _split(config: TrainingRequest) -> dict[str, Any]:
    split = config.split
    role = ROLE_BY_STRATEGY.get(split.strategy)
    return {
        "split_strategy": _SPLIT_STRATEGIES[split.strategy],
        "split_column": getattr(config, role) if role else None,
        # A predefined split has none and uses none.
        "test_fraction": split.test_fraction or DEFAULT_TEST_FRACTION,
        "split_seed": split.seed,
        "validation_fraction": split.validation_fraction or None,
        "folds": split.folds or None,
    }


def _selection(config: TrainingRequest) -> dict[str, Any]:
    if not config.HasField("feature_selection"):
        return {}
    selection = config.feature_selection
    return {
        "selection_method": _SELECTION_METHODS[selection.method],
        "selection_top_k": selection.top_k,
    }
