"""The parts of the automl service; `JobService` puts them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omniscope.automl.v1 import automl_service_pb2, automl_service_pb2_grpc
from omniscope_automl.convert import claim_to_spec
from omniscope_automl.entry import ENTRY
from omniscope_automl.planner import TrainingPlanner
from omniscope_automl.servicer import AutoMLServicer
from omniscope_automl.settings import AutoMLSettings
from omniscope_service.job_service import JobService
from omniscope_service.rpc.server import Registration

if TYPE_CHECKING:
    from omniscope_service.job_service import JobApi


def _api(jobs: JobApi) -> Registration:
    planner = TrainingPlanner(jobs.registry, trains_here=bool(jobs.workers))
    return Registration(
        AutoMLServicer(jobs, planner),
        automl_service_pb2_grpc.add_AutoMLServiceServicer_to_server,
        automl_service_pb2.DESCRIPTOR.services_by_name["AutoMLService"].full_name,
    )


SERVICE: Final = JobService(
    entry=ENTRY,
    settings=AutoMLSettings,
    api=_api,
    trainer="omniscope_automl.trainer",
    spec_from_claim=lambda claim, _: claim_to_spec(claim),
    # XGBoost comes as either package, torch is optional.
    engines=("autogluon.tabular", "catboost", "lightgbm", "torch", "xgboost", "xgboost-cpu"),
)
