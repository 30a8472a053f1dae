"""The parts of the deeplearning service; `JobService` puts them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omniscope.deeplearning.v1 import deep_learning_service_pb2, deep_learning_service_pb2_grpc
from omniscope_deeplearning.convert import claim_to_spec
from omniscope_deeplearning.entry import ENTRY
from omniscope_deeplearning.planner import TrainingPlanner
from omniscope_deeplearning.servicer import DeepLearningServicer
from omniscope_deeplearning.settings import DeepLearningSettings
from omniscope_service.job_service import JobService
from omniscope_service.rpc.server import Registration

if TYPE_CHECKING:
    from omniscope_service.job_service import JobApi


def _api(jobs: JobApi) -> Registration:
    planner = TrainingPlanner(jobs.registry, kinds_here=jobs.resource_classes)
    return Registration(
        DeepLearningServicer(jobs, planner),
        deep_learning_service_pb2_grpc.add_DeepLearningServiceServicer_to_server,
        deep_learning_service_pb2.DESCRIPTOR.services_by_name["DeepLearningService"].full_name,
    )


SERVICE: Final = JobService(
    entry=ENTRY,
    settings=DeepLearningSettings,
    api=_api,
    trainer="omniscope_deeplearning.trainer",
    spec_from_claim=claim_to_spec,
    engines=("pytorch-lightning", "safetensors", "torch"),
)
