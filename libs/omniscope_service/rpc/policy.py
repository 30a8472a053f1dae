"""Which role may call which method. A method without an entry is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope_service.rpc.auth import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

_READERS = frozenset({Role.VIEWER, Role.TRAINER, Role.OPERATOR, Role.ADMIN})
_WRITERS = frozenset({Role.TRAINER, Role.OPERATOR, Role.ADMIN})
_WORKERS = frozenset({Role.WORKER})
_SERVICES = frozenset({Role.SERVICE})


def _methods(service: str, names: str, roles: frozenset[Role]) -> dict[str, frozenset[Role]]:
    return {f"/{service}/{name}": roles for name in names.split()}


_JOBS = "omniscope.registry.v1.JobService"
_DATASETS = "omniscope.registry.v1.DatasetService"
_MODELS = "omniscope.registry.v1.ModelService"
_EXPERIMENTS = "omniscope.registry.v1.ExperimentService"
_INTAKE = "omniscope.registry.v1.JobIntakeService"
_WORKER = "omniscope.registry.v1.WorkerService"
_PROJECTION = "omniscope.registry.v1.ProjectionService"
_AUTOML = "omniscope.automl.v1.AutoMLService"
_DEEPLEARNING = "omniscope.deeplearning.v1.DeepLearningService"

POLICY: Mapping[str, frozenset[Role]] = {
    **_methods(_JOBS, "GetJob GetJobStatus ListJobs WatchJob ListJobEvents", _READERS),
    **_methods(_JOBS, "CancelJob RetryJob DeleteJob", _WRITERS),
    **_methods(
        _DATASETS,
        "GetDataset ListDatasets ListDatasetColumns PreviewDataset DownloadDataset",
        _READERS,
    ),
    **_methods(_DATASETS, "UploadDataset ImportDataset DeleteDataset", _WRITERS),
    **_methods(
        _MODELS,
        "GetModel GetModelResults ListModels ListModelVersions ResolveAlias DownloadModel",
        _READERS,
    ),
    **_methods(_MODELS, "UpdateModel DeleteModel UndeleteModel SetAlias DeleteAlias", _WRITERS),
    **_methods(
        _EXPERIMENTS,
        "ListExperiments GetExperiment ListRuns GetRun GetMetricHistory",
        _READERS,
    ),
    **_methods(_EXPERIMENTS, "LogMetrics", _WRITERS),
    **_methods(_AUTOML, "WatchTraining GetLeaderboard ListPresets", _READERS),
    **_methods(_AUTOML, "Train", _WRITERS),
    **_methods(_DEEPLEARNING, "WatchTraining ListArchitectures", _READERS),
    **_methods(_DEEPLEARNING, "Train", _WRITERS),
    **_methods(_INTAKE, "SubmitJob", _SERVICES),
    **_methods(_PROJECTION, "ListProjections AcknowledgeProjections", _SERVICES),
    **_methods(
        _WORKER,
        "AnnounceWorker ClaimJob Heartbeat ReportEvents RegisterCheckpoint CompleteJob FailJob",
        _WORKERS,
    ),
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": frozenset(Role),
}
"""Roles by full method name; one of them is enough."""

CALLER_ROLES: Mapping[str, frozenset[Role]] = {f"/{_INTAKE}/SubmitJob": _WRITERS}
"""Methods for services that act for a user, with the roles that the user must have. Methods for
services that are not named here act for nobody."""

PUBLIC = frozenset({"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"})
"""Methods that need no identity: probes carry none, and the answer is a single word."""
