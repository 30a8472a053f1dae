"""Conversions between the protocol, the job intake and the training spec."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import any_pb2

from omniscope.automl.v1 import automl_service_pb2
from omniscope.common.v1 import feature_selection_pb2, split_pb2
from omniscope.registry.v1.job_intake_service_pb2 import ColumnList, SubmitJobRequest
from omniscope_automl.presets import DEFAULT_PRESET, PRESETS
from omniscope_automl.spec import (
    DEFAULT_TEST_FRACTION,
    PROBLEM_TYPES,
    TrainSpec,
    hard_limit_seconds,
)
from omniscope_automl.splitting import ROLE_BY_STRATEGY
from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from omniscope.automl.v1.automl_service_pb2 import TrainRequest
    from omniscope.common.v1.job_event_pb2 import LeaderboardEntry
    from omniscope.registry.v1.worker_service_pb2 import ClaimJobResponse
    from omniscope_automl.planner import TrainingPlan
    from omniscope_automl.spec import ProblemType, SelectionMethod, SplitStrategy

SERVICE: Final = "automl"
MODEL_TYPE: Final = "automl.tabular"
RESOURCE_CLASS: Final = "cpu"
# Longer lists are kept beside the configuration.
_MAX_NAMES_IN_CONFIG: Final = 200
_PROBLEM_TYPES: Final[dict[str, ProblemType]] = {name: name for name in PROBLEM_TYPES}
_SPLIT_STRATEGIES: Final[dict[int, SplitStrategy]] = {
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


def plan_to_submission(plan: TrainingPlan) -> SubmitJobRequest:
    """Return what the registry is asked to queue."""
    request = plan.request
    config, column_lists = _config(request)
    return SubmitJobRequest(
        service=SERVICE,
        resource_class=RESOURCE_CLASS,
        model_type=MODEL_TYPE,
        config=_packed(config),
        column_lists=column_lists,
        dataset_id=plan.dataset.dataset_id,
        model_name=request.model_name,
        description=request.description,
        tags=request.tags,
        experiment=request.experiment,
        # The call is repeated when its answer is lost, and must then find the same job.
        request_id=request.request_id or str(uuid.uuid4()),
        validate_only=request.validate_only,
        hard_limit_seconds=hard_limit_seconds(request.time_limit),
        warnings=plan.warnings,
        deadline_seconds=request.deadline_seconds,
    )


def claim_to_spec(claim: ClaimJobResponse) -> Mapping[str, Any]:
    """Return the training spec of a claimed job, as the child reads it.

    Raises:
        InvalidArgument: The configuration is another service's, reason CONFIG_UNKNOWN.
    """
    config = automl_service_pb2.TrainRequest()
    if not claim.job.config.Unpack(config):
        raise InvalidArgument(
            f"The job's configuration is {claim.job.config.type_url!r}, no training request.",
            reason="CONFIG_UNKNOWN",
            field="config",
        )
    features = claim.column_lists["feature_columns"].names or config.feature_columns
    return TrainSpec(
        dataset_id=config.dataset_id,
        dataset_digest=claim.dataset_digest,
        target_column=config.target_column,
        feature_columns=tuple(features),
        problem_type=_PROBLEM_TYPES[config.problem_type],
        positive_class=config.positive_class or None,
        time_limit=config.time_limit,
        quality=config.quality,
        key_column=config.key_column or None,
        weight_column=config.weight_column or None,
        **_split_to_spec(config),
        **_selection_to_spec(config),
        seed=config.seed,
        eval_metric=config.eval_metric,
        included_model_families=tuple(config.included_model_families),
        excluded_model_families=tuple(config.excluded_model_families),
        job_id=claim.lease.job_id,
        attempt=claim.lease.attempt,
    ).to_dict()


def leaderboard_to_proto(
    job_id: str, entries: Iterable[LeaderboardEntry]
) -> automl_service_pb2.Leaderboard:
    """Return the newest entry of each candidate, best first; equals as they were last reported.

    At its end a training reports all candidates as its results rank them.

    Args:
        job_id: The job.
        entries: As they were reported, oldest first.
    """
    newest: dict[str, LeaderboardEntry] = {}
    for entry in entries:
        newest.pop(entry.model, None)  # replaced in place it would keep its old turn
        newest[entry.model] = entry
    ranked = sorted(newest.values(), key=lambda entry: entry.score_validation, reverse=True)
    leaderboard = automl_service_pb2.Leaderboard(job_id=job_id, entries=ranked)
    for rank, entry in enumerate(leaderboard.entries, start=1):
        entry.rank = rank
    return leaderboard


def presets_to_proto() -> automl_service_pb2.ListPresetsResponse:
    """Return all presets, best quality first."""
    return automl_service_pb2.ListPresetsResponse(
        presets=[
            automl_service_pb2.Preset(
                name=preset.name,
                description=preset.description,
                bagging=preset.bagging,
                stacking=preset.stacking,
                default_preset=preset.name == DEFAULT_PRESET,
            )
            for preset in PRESETS
        ]
    )


def _split_to_spec(config: TrainRequest) -> dict[str, Any]:
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


def _selection_to_spec(config: TrainRequest) -> dict[str, Any]:
    if not config.HasField("feature_selection"):
        return {}
    selection = config.feature_selection
    return {
        "selection_method": _SELECTION_METHODS[selection.method],
        "selection_top_k": selection.top_k,
    }


def _config(request: TrainRequest) -> tuple[TrainRequest, dict[str, ColumnList]]:
    config = automl_service_pb2.TrainRequest()
    config.CopyFrom(request)
    # They belong to the call, not to the training.
    config.ClearField("request_id")
    config.ClearField("validate_only")
    if len(config.feature_columns) <= _MAX_NAMES_IN_CONFIG:
        return config, {}
    names = list(config.feature_columns)
    config.ClearField("feature_columns")
    config.feature_columns_reference.count = len(names)
    config.feature_columns_reference.digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
    return config, {"feature_columns": ColumnList(names=names)}


def _packed(config: TrainRequest) -> any_pb2.Any:
    packed = any_pb2.Any()
    # The registry tells a repeated request by its bytes.
    packed.Pack(config, deterministic=True)
    return packed
