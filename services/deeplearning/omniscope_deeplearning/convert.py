"""Conversions between the protocol, the job intake and the training spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from omniscope.deeplearning.v1 import deep_learning_service_pb2
from omniscope_deeplearning.architecture_choice import (
    DEFAULT_ARCHITECTURE,
    chosen_architecture,
    chosen_layout,
    chosen_parameters,
)
from omniscope_deeplearning.entry import ENTRY
from omniscope_deeplearning.learning import chosen_options
from omniscope_deeplearning.preprocessing_choice import (
    IMPUTATIONS,
    MISSING_VALUES,
    SCALINGS,
)
from omniscope_deeplearning.spec import TrainSpec
from omniscope_ml.codec import encode
from omniscope_ml.networks.architectures import ARCHITECTURES
from omniscope_service.job_config import unpack_config
from omniscope_training.claim import table_of_claim
from omniscope_training.submission import submission_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omniscope.deeplearning.v1.deep_learning_service_pb2 import TrainRequest
    from omniscope.registry.v1.job_intake_service_pb2 import SubmitJobRequest
    from omniscope.registry.v1.worker_service_pb2 import ClaimJobResponse
    from omniscope_deeplearning.spec import Accelerator
    from omniscope_ml.networks.architectures import Architecture
    from omniscope_training.planner import TrainingPlan

# A worker's longest wall clock; max_seconds of more than 24 days leave less room behind them.
_LONGEST_LIMIT: Final = 30 * 24 * 3600


def plan_to_submission(plan: TrainingPlan[TrainRequest]) -> SubmitJobRequest:
    """Return what the registry is asked to queue."""
    request = plan.request
    return submission_of(
        plan,
        service=ENTRY.name,
        resource_class=request.resources.accelerator,
        model_type=f"{ENTRY.name}.{chosen_architecture(request)}",
        hard_limit_seconds=hard_limit_seconds(request.training.max_seconds),
    )


def hard_limit_seconds(max_seconds: int) -> int:
    """Return the seconds after which an attempt is stopped, whatever it does."""
    return min(-(-5 * max_seconds // 4) + 120, _LONGEST_LIMIT)


def claim_to_spec(claim: ClaimJobResponse, accelerator: Accelerator) -> Mapping[str, Any]:
    """Return the training spec of a claimed job, as the child reads it.

    Args:
        claim: The claimed job.
        accelerator: Class of the worker, and so of the job: it claims no others.

    Raises:
        InvalidArgument: The configuration is another service's, reason CONFIG_UNKNOWN.
    """
    config = unpack_config(claim, deep_learning_service_pb2.TrainRequest)
    name, preprocessing = chosen_architecture(config), config.preprocessing
    return encode(
        TrainSpec(
            **table_of_claim(claim, config),
            accelerator=accelerator,
            architecture=name,
            parameters=chosen_parameters(getattr(config, name)),
            input_layout=chosen_layout(config),
            training=chosen_options(config),
            missing_values=MISSING_VALUES[preprocessing.missing_values],
            imputation=IMPUTATIONS[preprocessing.imputation],
            scaling=SCALINGS[preprocessing.scaling],
            log1p=preprocessing.log1p,
            indicators=preprocessing.indicators,
        )
    )


def architectures_to_proto() -> deep_learning_service_pb2.ListArchitecturesResponse:
    """Return all architectures with what may be chosen about each."""
    return deep_learning_service_pb2.ListArchitecturesResponse(
        architectures=[_architecture(known) for known in ARCHITECTURES.values()]
    )


def _architecture(known: Architecture) -> deep_learning_service_pb2.Architecture:
    return deep_learning_service_pb2.Architecture(
        name=known.name,
        description=known.description,
        suited_for=known.suited_for,
        layouts=known.layouts,
        parameters=[
            deep_learning_service_pb2.ArchitectureParameter(
                name=parameter.name,
                description=parameter.description,
                type=parameter.type,
                default_value=parameter.default,
                minimum=parameter.minimum,
                maximum=parameter.maximum,
            )
            for parameter in known.parameters
        ],
        default_architecture=known.name == DEFAULT_ARCHITECTURE,
    )
