"""Conversions between the protocol, the job intake and the training spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from omniscope.automl.v1 import automl_service_pb2
from omniscope_automl.entry import ENTRY
from omniscope_automl.presets import DEFAULT_PRESET, PRESETS
from omniscope_automl.spec import TrainSpec, hard_limit_seconds
from omniscope_ml.codec import encode
from omniscope_service.job_config import unpack_config
from omniscope_training.claim import table_of_claim
from omniscope_training.submission import submission_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from omniscope.automl.v1.automl_service_pb2 import TrainRequest
    from omniscope.common.v1.job_event_pb2 import LeaderboardEntry
    from omniscope.registry.v1.job_intake_service_pb2 import SubmitJobRequest
    from omniscope.registry.v1.worker_service_pb2 import ClaimJobResponse
    from omniscope_training.planner import TrainingPlan

MODEL_TYPE: Final = "automl.tabular"


def plan_to_submission(plan: TrainingPlan[TrainRequest]) -> SubmitJobRequest:
    """Return what the registry is asked to queue."""
    return submission_of(
        plan,
        service=ENTRY.name,
        resource_class=ENTRY.resource_classes[0],
        model_type=MODEL_TYPE,
        hard_limit_seconds=hard_limit_seconds(plan.request.time_limit),
    )


def claim_to_spec(claim: ClaimJobResponse) -> Mapping[str, Any]:
    """Return the training spec of a claimed job, as the child reads it.

    Raises:
        InvalidArgument: The configuration is another service's, reason CONFIG_UNKNOWN.
    """
    config = unpack_config(claim, automl_service_pb2.TrainRequest)
    return encode(
        TrainSpec(
            **table_of_claim(claim, config),
            time_limit=config.time_limit,
            quality=config.quality,
            eval_metric=config.eval_metric,
            included_model_families=tuple(config.included_model_families),
            excluded_model_families=tuple(config.excluded_model_families),
        )
    )


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
