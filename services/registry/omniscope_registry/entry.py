"""The entry of the registry."""

from typing import Final

from omniscope_suite.entry import ServiceEntry, SuiteProcess

ENTRY: Final = ServiceEntry(
    name="registry",
    package="omniscope_registry",
    protos=(
        "omniscope.registry.v1.artifact_service_pb2",
        "omniscope.registry.v1.dataset_service_pb2",
        "omniscope.registry.v1.experiment_service_pb2",
        "omniscope.registry.v1.job_intake_service_pb2",
        "omniscope.registry.v1.job_service_pb2",
        "omniscope.registry.v1.model_service_pb2",
        "omniscope.registry.v1.projection_service_pb2",
        "omniscope.registry.v1.worker_service_pb2",
    ),
    description="jobs, datasets, models, artifacts",
    roles={"serve": "the API", "project": "runs, models and artifacts into MLflow"},
    resource_classes=(),
    processes=(
        SuiteProcess(
            name="registry",
            role="serve",
            description="jobs, datasets, models, artifacts",
            stop_stage=2,
        ),
        SuiteProcess(
            name="projector", role="project", description="writes to MLflow", serves=False
        ),
    ),
)
