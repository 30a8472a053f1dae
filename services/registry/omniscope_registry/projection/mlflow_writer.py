"""Writes projections to MLflow; the only module of the registry that imports it."""

from __future__ import annotations

import asyncio
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mlflow import MlflowClient
from mlflow.entities import Experiment, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from sqlalchemy.exc import SQLAlchemyError

from omniscope_registry.projection import fields
from omniscope_service.artifacts import ArtifactStore
from omniscope_service.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from google.protobuf.timestamp_pb2 import Timestamp
    from mlflow.entities.model_registry import ModelVersion

    from omniscope.common.v1.job_pb2 import Job
    from omniscope.common.v1.model_pb2 import Model
    from omniscope.registry.v1.projection_service_pb2 import (
        ArtifactPurged,
        ArtifactRegistered,
        ModelChanged,
        ModelPurged,
        ModelRegistered,
        ProjectedMetric,
        RunEnded,
        RunStarted,
    )

OUTAGES: Final = (MlflowException, SQLAlchemyError, OSError, Unavailable)
"""Exceptions of writing; `is_refusal` tells a refusal from an outage."""

JOB_TAG: Final = "omniscope.job_id"
ATTEMPT_TAG: Final = "omniscope.attempt"
MODEL_TAG: Final = "omniscope.model_id"
ARTIFACT_TAG: Final = "omniscope.artifact_id"
SOURCE_TAG: Final = "omniscope.artifact_source"
"""Address of an artifact's package, also of one whose files are too large to be copied."""
MAX_COPIED_BYTES: Final = 64 * 1024 * 1024
_OWN_TAGS: Final = ("omniscope.", "mlflow.")

_REFUSALS: Final = frozenset(
    {"INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "INVALID_STATE", "BAD_REQUEST"}
)
_POINTS_PER_BATCH: Final = 1000
_PARAMS_PER_BATCH: Final = 100
_REMEMBERED_RUNS: Final = 1000


def is_refusal(error: BaseException) -> bool:
    """Tell whether MLflow will say the same however often it is asked."""
    return isinstance(error, MlflowException) and error.error_code in _REFUSALS


class MlflowWriter:
    """Makes MLflow show jobs and models. Every method may be repeated and then changes nothing.

    Methods block and raise one of `OUTAGES`. A run belongs to one attempt of a job and is found by
    its tags, so that MLflow's own store is all the memory that is needed.

    Args:
        tracking_uri: Where MLflow keeps its runs and models.
        artifacts_url: The suite's artifact store; what people add to a run in MLflow goes there,
            below `mlflow/`. A tracking server has a place of its own.
    """

    def __init__(self, tracking_uri: str, artifacts_url: str) -> None:
        self._tracking_uri = tracking_uri
        self._client = MlflowClient(tracking_uri, registry_uri=tracking_uri)
        # Without a location MLflow takes the folder that the process happens to run in.
        served = tracking_uri.startswith(("http://", "https://"))
        self._artifact_location = None if served else f"{artifacts_url.rstrip('/')}/mlflow"
        self._artifacts = ArtifactStore.open(artifacts_url)
        self._runs: OrderedDict[tuple[str, int], str] = OrderedDict()

    def start_run(self, job: Job, started: RunStarted) -> None:
        """Make an attempt's run with the resolved training request as its parameters.

        The run of an attempt that resumes begins with what the earlier one measured until then, so
        that its curves are whole.
        """
        run_id = self._run_id(job, started.attempt, started.start_time)
        params = [Param(name, value) for name, value in fields.params(job.config).items()]
        for batch in _batches(params, _PARAMS_PER_BATCH):
            self._client.log_batch(run_id, params=batch)
        if started.resumed_attempt:
            earlier = self._run_id(job, started.resumed_attempt, job.start_time)
            self._log(run_id, self._measured(earlier, until_step=started.resumed_step))

    def log_metrics(self, job: Job, attempt: int, points: Sequence[ProjectedMetric]) -> None:
        """Write metric points; one that is there already is left alone."""
        metrics = [
            Metric(fields.key(point.key), point.value, _milliseconds(point.event_time), point.step)
            for point in points
        ]
        self._log(self._run_id(job, attempt, job.start_time), metrics)

    def end_run(self, job: Job, ended: RunEnded) -> None:
        """Give an attempt's run its final status."""
        run_id = self._run_id(job, ended.attempt, job.start_time)
        self._client.set_terminated(run_id, ended.status, _milliseconds(ended.end_time))

    def register_model(self, job: Job, registered: ModelRegistered) -> str:
        """Make a model version; write the held-out metrics and what it learned with to its run.

        Returns:
            The run's id.
        """
        model = registered.model
        run_id = self._run_id(job, registered.attempt, job.start_time)
        time = _milliseconds(model.create_time)
        metrics = [
            Metric(fields.key(f"test_{name}"), value, time, 0)
            for name, value in model.metrics.items()
        ]
        self._client.log_batch(
            run_id,
            metrics=metrics,
            params=_settings(registered),
            tags=[RunTag(MODEL_TAG, model.model_id)],
        )
        self._make_registered_model(model.name)
        self._make_version(model, registered.source, run_id)
        return run_id

    def change_model(self, changed: ModelChanged) -> None:
        """Give a model's version its description and its tags; tags that are ours stay."""
        named = {fields.key(name): fields.tag(value) for name, value in changed.tags.items()}
        wanted = {name: value for name, value in named.items() if not name.startswith(_OWN_TAGS)}
        for version in self._versions(changed.name, changed.model_id):
            place = (changed.name, version.version)
            self._client.update_model_version(*place, changed.description)
            for name, value in wanted.items():
                self._client.set_model_version_tag(*place, name, value)
            for name in version.tags.keys() - wanted.keys():
                if not name.startswith(_OWN_TAGS):
                    self._client.delete_model_version_tag(*place, name)

    def remove_model(self, purged: ModelPurged) -> None:
        """Remove a model's version; its run stays."""
        for version in self._versions(purged.name, purged.model_id):
            self._client.delete_model_version(purged.name, version.version)

    def store_artifact(self, job: Job, registered: ArtifactRegistered) -> str:
        """Show an artifact in its run: its files, or where they lie when they are large.

        Returns:
            The run's id.
        """
        artifact = registered.artifact
        run_id = self._run_id(job, registered.attempt, job.start_time)
        tags = {ARTIFACT_TAG: artifact.artifact_id, SOURCE_TAG: registered.source}
        self._client.log_batch(run_id, tags=[RunTag(*tag) for tag in tags.items()])
        if artifact.size_bytes <= MAX_COPIED_BYTES:
            with tempfile.TemporaryDirectory() as folder:
                asyncio.run(self._artifacts.get_folder(artifact.artifacts_path, Path(folder)))
                self._client.log_artifacts(run_id, folder, artifact.kind)
        return run_id

    def remove_artifact(self, job: Job, purged: ArtifactPurged) -> None:
        """Remove an artifact's files from its run, which stays."""
        run_id = self._run_id(job, purged.attempt, job.start_time)
        if self._client.list_artifacts(run_id, purged.kind):
            location = self._client.get_run(run_id).info.artifact_uri
            # Not told, it would ask the server that the process's environment names.
            repository = get_artifact_repository(location, self._tracking_uri)
            repository.delete_artifacts(purged.kind)

    def _log(self, run_id: str, metrics: list[Metric]) -> None:
        for batch in _batches(metrics, _POINTS_PER_BATCH):
            self._client.log_batch(run_id, metrics=batch)

    def _measured(self, run_id: str, until_step: int) -> list[Metric]:
        known = self._client.get_run(run_id).data.metrics
        return [
            Metric(point.key, point.value, point.timestamp, point.step)
            for name in known
            for point in self._client.get_metric_history(run_id, name)
            if point.step <= until_step
        ]

    def _versions(self, name: str, model_id: str) -> list[ModelVersion]:
        ours = f"name = '{name}' and tags.`{MODEL_TAG}` = '{model_id}'"
        return list(self._client.search_model_versions(ours))

    def _run_id(self, job: Job, attempt: int, start_time: Timestamp) -> str:
        name = (job.job_id, attempt)
        run_id = self._runs.get(name)
        if run_id is None:
            run_id = self._find_or_create_run(job, attempt, start_time)
            self._runs[name] = run_id
            if len(self._runs) > _REMEMBERED_RUNS:
                self._runs.popitem(last=False)
        return run_id

    def _find_or_create_run(self, job: Job, attempt: int, start_time: Timestamp) -> str:
        experiment_id = self._experiment_id(job.experiment)
        ours = f"tags.`{JOB_TAG}` = '{job.job_id}' and tags.`{ATTEMPT_TAG}` = '{attempt}'"
        found = self._client.search_runs([experiment_id], ours, max_results=1)
        run: Run = (
            found[0]
            if found
            else self._client.create_run(
                experiment_id,
                start_time=_milliseconds(start_time),
                tags=_run_tags(job, attempt),
                run_name=job.model_name or job.artifact_kind,
            )
        )
        return str(run.info.run_id)

    def _experiment_id(self, name: str) -> str:
        found: Experiment | None = self._client.get_experiment_by_name(name)
        if found is None:
            return str(self._client.create_experiment(name, self._artifact_location))
        if found.lifecycle_stage == "deleted":
            # Somebody threw it away in MLflow; it comes back with the next run of its name.
            self._client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)

    def _make_registered_model(self, name: str) -> None:
        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _make_version(self, model: Model, source: str, run_id: str) -> None:
        if not self._versions(model.name, model.model_id):
            self._client.create_model_version(
                model.name,
                source,
                run_id=run_id,
                tags=_version_tags(model),
                description=model.description,
            )


def _run_tags(job: Job, attempt: int) -> dict[str, str]:
    own = {
        JOB_TAG: job.job_id,
        ATTEMPT_TAG: str(attempt),
        "omniscope.service": job.service,
        **_input_tags(job),
        "mlflow.user": job.created_by,
        "mlflow.note.content": fields.tag(job.description),
    }
    return {fields.key(name): fields.tag(value) for name, value in job.tags.items()} | own


def _input_tags(job: Job) -> dict[str, str]:
    """Return what a job reads, joined by commas, by what it is."""
    read = {
        "omniscope.dataset_id": [each.dataset_id for each in job.inputs if each.dataset_id],
        "omniscope.input_model_id": [each.model_id for each in job.inputs if each.model_id],
    }
    return {name: ",".join(dict.fromkeys(ids)) for name, ids in read.items() if ids}


def _version_tags(model: Model) -> dict[str, str]:
    own = {
        MODEL_TAG: model.model_id,
        "omniscope.version": str(model.version),
        "omniscope.created_by": model.created_by,
    }
    return {fields.key(name): fields.tag(value) for name, value in model.tags.items()} | own


def _settings(registered: ModelRegistered) -> list[Param]:
    # Not below `training.`: what was asked for stands there, and parameters never change.
    return [
        Param(fields.key(f"settings.{name}"), value) for name, value in registered.settings.items()
    ]


def _milliseconds(time: Timestamp) -> int:
    return int(time.ToMilliseconds())


def _batches(items: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
