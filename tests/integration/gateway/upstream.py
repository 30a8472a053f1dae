"""Small services behind the real server layers: they answer what the tests look for."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

from google.api import httpbody_pb2
from google.protobuf import any_pb2

from omniscope.automl.v1 import automl_service_pb2_grpc
from omniscope.common.v1 import dataset_pb2, job_event_pb2, job_pb2, lineage_pb2, model_pb2
from omniscope.deeplearning.v1 import deep_learning_service_pb2_grpc
from omniscope.registry.v1 import (
    dataset_service_pb2,
    dataset_service_pb2_grpc,
    experiment_service_pb2,
    experiment_service_pb2_grpc,
    job_intake_service_pb2_grpc,
    job_service_pb2,
    job_service_pb2_grpc,
    model_service_pb2,
    model_service_pb2_grpc,
    worker_service_pb2_grpc,
)
from omniscope_service.errors import InvalidArgument, NotFound
from omniscope_service.rpc.server import Registration

JOB_ID = "01J9ZQ4T9V8XKQ2W3E4R5T6Y7U"
MODEL_BYTES = bytes(range(256)) * 4096

Seen = dict[str, dict[str, str]]


class AutoML(automl_service_pb2_grpc.AutoMLServiceServicer):
    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    async def Train(self, request: Any, context: Any) -> job_pb2.Job:
        self._seen["Train"] = dict(context.invocation_metadata())
        if request.target_column == "missing":
            raise InvalidArgument(
                "target_column 'missing' is not a column of 'my_dataset'; did you mean 'gene1'?",
                reason="COLUMN_NOT_FOUND",
                field="target_column",
            )
        config = any_pb2.Any()
        config.Pack(request)
        return job_pb2.Job(
            job_id=JOB_ID,
            state=job_pb2.JOB_STATE_QUEUED,
            config=config,
            description=str(len(request.description)),
        )

    async def WatchTraining(
        self, request: Any, context: Any
    ) -> AsyncIterator[job_event_pb2.JobEvent]:
        async for event in _events(request.job_id):
            yield event


class DeepLearning(deep_learning_service_pb2_grpc.DeepLearningServiceServicer):
    async def Train(self, request: Any, context: Any) -> job_pb2.Job:
        config = any_pb2.Any()
        config.Pack(request)
        return job_pb2.Job(job_id=JOB_ID, config=config)

    async def WatchTraining(
        self, request: Any, context: Any
    ) -> AsyncIterator[job_event_pb2.JobEvent]:
        async for event in _events(request.job_id):
            yield event


class Jobs(job_service_pb2_grpc.JobServiceServicer):
    async def GetJob(self, request: Any, context: Any) -> job_pb2.Job:
        raise _no_job(request.job_id)

    async def GetJobStatus(self, request: Any, context: Any) -> job_service_pb2.JobStatus:
        return job_service_pb2.JobStatus(job_id=_known(request.job_id), status="queued")

    async def WatchJob(self, request: Any, context: Any) -> AsyncIterator[job_event_pb2.JobEvent]:
        async for event in _events(request.job_id):
            yield event

    async def ListJobEvents(
        self, request: Any, context: Any
    ) -> job_service_pb2.ListJobEventsResponse:
        kinds = [job_event_pb2.JobEventType.Name(kind) for kind in request.event_types]
        line = job_event_pb2.LogLine(text=",".join(kinds))
        return job_service_pb2.ListJobEventsResponse(
            events=[job_event_pb2.JobEvent(job_id=request.job_id, log_line=line)]
        )


class Datasets(dataset_service_pb2_grpc.DatasetServiceServicer):
    async def UploadDataset(self, requests: Any, context: Any) -> dataset_pb2.Dataset:
        digest, size, largest, first = hashlib.sha256(), 0, 0, None
        async for request in requests:
            first = first or request
            digest.update(request.data.data)
            size += len(request.data.data)
            largest = max(largest, request.ByteSize())
        assert first is not None
        return dataset_pb2.Dataset(
            name=first.name,
            source_format=first.format,
            source_digest=digest.hexdigest(),
            size_bytes=size,
            description=str(largest),
            created_by=first.data.content_type,
        )

    async def GetDataset(self, request: Any, context: Any) -> dataset_pb2.Dataset:
        if request.dataset_id == "wide":
            return dataset_pb2.Dataset(description="x" * 3_000_000)
        raise NotFound(
            f"There is no dataset {request.dataset_id!r}.",
            reason="DATASET_NOT_FOUND",
            metadata={"resource_type": "dataset", "resource_name": request.dataset_id},
        )

    async def ListDatasets(
        self, request: Any, context: Any
    ) -> dataset_service_pb2.ListDatasetsResponse:
        return dataset_service_pb2.ListDatasetsResponse()


class Models(model_service_pb2_grpc.ModelServiceServicer):
    async def GetLineage(self, request: Any, context: Any) -> lineage_pb2.Lineage:
        kind = lineage_pb2.LINEAGE_NODE_KIND_MODEL
        node = lineage_pb2.LineageNode(id=request.model_id, kind=kind, version=request.max_depth)
        return lineage_pb2.Lineage(model_id=request.model_id, nodes=[node])

    async def UpdateModel(self, request: Any, context: Any) -> model_pb2.Model:
        request.model.type = ",".join(request.update_mask.paths)
        model: model_pb2.Model = request.model
        return model

    async def SetAlias(self, request: Any, context: Any) -> model_service_pb2.ModelAlias:
        return model_service_pb2.ModelAlias(
            model_id=request.model_id, alias=request.alias, etag=request.etag
        )

    async def UndeleteModel(self, request: Any, context: Any) -> model_pb2.Model:
        return model_pb2.Model(model_id=request.model_id)

    async def DownloadModel(
        self, request: Any, context: Any
    ) -> AsyncIterator[httpbody_pb2.HttpBody]:
        for start in range(0, len(MODEL_BYTES), 65_536):
            yield httpbody_pb2.HttpBody(
                content_type="application/x-tar", data=MODEL_BYTES[start : start + 65_536]
            )


class Experiments(experiment_service_pb2_grpc.ExperimentServiceServicer):
    async def ListRuns(
        self, request: Any, context: Any
    ) -> experiment_service_pb2.ListRunsResponse:
        run = experiment_service_pb2.Run(experiment=request.experiment, name=request.filter)
        return experiment_service_pb2.ListRunsResponse(runs=[run])

    async def LogMetrics(
        self, request: Any, context: Any
    ) -> experiment_service_pb2.LogMetricsResponse:
        return experiment_service_pb2.LogMetricsResponse(added_count=len(request.metrics))


def registry_services() -> list[Registration]:
    """The registry's services, internal ones included: nobody outside may reach those."""
    return [
        _registration("registry", "JobService", job_service_pb2_grpc, Jobs),
        _registration("registry", "DatasetService", dataset_service_pb2_grpc, Datasets),
        _registration("registry", "ModelService", model_service_pb2_grpc, Models),
        _registration("registry", "ExperimentService", experiment_service_pb2_grpc, Experiments),
        _internal("WorkerService", worker_service_pb2_grpc),
        _internal("JobIntakeService", job_intake_service_pb2_grpc),
    ]


def training_services(seen: Seen) -> list[Registration]:
    return [
        _registration("automl", "AutoMLService", automl_service_pb2_grpc, AutoML, seen),
        _registration(
            "deeplearning", "DeepLearningService", deep_learning_service_pb2_grpc, DeepLearning
        ),
    ]


def _internal(name: str, module: Any) -> Registration:
    return _registration("registry", name, module, getattr(module, f"{name}Servicer"))


def _registration(
    package: str, name: str, module: Any, servicer: Any, *arguments: object
) -> Registration:
    add = getattr(module, f"add_{name}Servicer_to_server")
    return Registration(servicer(*arguments), add, f"omniscope.{package}.v1.{name}")


async def _events(job_id: str) -> AsyncIterator[job_event_pb2.JobEvent]:
    job = job_pb2.Job(job_id=_known(job_id), state=job_pb2.JOB_STATE_RUNNING)
    yield job_event_pb2.JobEvent(job_id=job_id, snapshot=job, sequence=1)
    progress = job_event_pb2.Progress(percent=0)
    yield job_event_pb2.JobEvent(job_id=job_id, progress=progress, sequence=2)
    changed = job_event_pb2.StateChanged(
        from_state=job_pb2.JOB_STATE_RUNNING, to_state=job_pb2.JOB_STATE_SUCCEEDED
    )
    yield job_event_pb2.JobEvent(job_id=job_id, state_changed=changed, sequence=3)


def _known(job_id: str) -> str:
    if job_id != JOB_ID:
        raise _no_job(job_id)
    return job_id


def _no_job(job_id: str) -> NotFound:
    return NotFound(f"There is no job {job_id!r}.", reason="JOB_NOT_FOUND")
