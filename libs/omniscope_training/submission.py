"""The submission to the registry, made from the plan of any training service."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from omniscope.common.v1.job_input_pb2 import JobInput
from omniscope.registry.v1.job_intake_service_pb2 import ColumnList, SubmitJobRequest
from omniscope_service.job_config import pack_config
from omniscope_training.claim import TRAINING_ROLE

if TYPE_CHECKING:
    from omniscope_training.planner import TrainingPlan

# Longer lists are kept beside the configuration.
_MAX_NAMES_IN_CONFIG: Final = 200


def submission_of(
    plan: TrainingPlan[Any],
    *,
    service: str,
    resource_class: str,
    model_type: str,
    hard_limit_seconds: int,
) -> SubmitJobRequest:
    """Return what the registry is asked to queue.

    Args:
        plan: The request's message has a `feature_columns_reference` for long lists.
        service: Whose workers run it.
        resource_class: `cpu`, `gpu` or `auto`.
        model_type: Kind of model that comes out.
        hard_limit_seconds: After that the worker stops an attempt, whatever it does.
    """
    request = plan.request
    config, column_lists = _config(request)
    return SubmitJobRequest(
        service=service,
        resource_class=resource_class,
        model_type=model_type,
        config=pack_config(config),
        column_lists=column_lists,
        inputs=[JobInput(role=TRAINING_ROLE, dataset_id=plan.dataset.dataset_id)],
        model_name=request.model_name,
        description=request.description,
        tags=request.tags,
        experiment=request.experiment,
        request_id=request.request_id,
        validate_only=request.validate_only,
        hard_limit_seconds=hard_limit_seconds,
        warnings=plan.warnings,
        deadline_seconds=request.deadline_seconds,
    )


def _config(request: Any) -> tuple[Any, dict[str, ColumnList]]:
    config = type(request)()
    config.CopyFrom(request)
    if len(config.feature_columns) <= _MAX_NAMES_IN_CONFIG:
        return config, {}
    names = list(config.feature_columns)
    config.ClearField("feature_columns")
    config.feature_columns_reference.count = len(names)
    config.feature_columns_reference.digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
    return config, {"feature_columns": ColumnList(names=names)}
