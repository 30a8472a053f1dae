"""Between rows of models and the protocol's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf import json_format

from omniscope.common.v1.model_pb2 import Model, ModelResults
from omniscope_registry.training_config import config_from_json

if TYPE_CHECKING:
    from sqlalchemy import Row

HELD_OUT: Final = "test"
"""Name of the split whose metrics a model is known by."""


def model_to_proto(row: Row[Any], *, with_config: bool) -> Model:
    """Return a model as clients see it.

    Args:
        row: Of `ml_models`, with `training_config` if that is wanted.
        with_config: Add the training request.
    """
    model = Model(
        model_id=row.id,
        name=row.name,
        version=row.version,
        type=row.type,
        architecture=row.architecture,
        problem_type=row.problem_type,
        target_column=row.target_column,
        classes=row.classes,
        feature_count=row.feature_count,
        metrics=row.metrics,
        description=row.description,
        tags=row.tags,
        job_id=row.job_id,
        dataset_id=row.dataset_id,
        artifacts_path=row.artifacts_path,
        manifest_digest=row.manifest_digest,
        size_bytes=row.size_bytes,
        mlflow_run_id=row.mlflow_run_id or "",
        created_by=row.created_by,
        training_config=config_from_json(row.training_config) if with_config else None,
    )
    model.create_time.FromDatetime(row.created_at)
    model.update_time.FromDatetime(row.updated_at)
    return model


def results_to_proto(row: Row[Any]) -> ModelResults:
    """Return what came out of a training, from a row with `id`, `job_id` and `results`."""
    results = json_format.ParseDict(row.results, ModelResults())
    results.model_id = row.id
    results.job_id = row.job_id
    return results


def held_out_metrics(results: dict[str, Any]) -> dict[str, float]:
    """Return the values on the held-out rows by metric, from results in JSON form."""
    return {
        name: float(value)
        for metrics in results.get("metrics", ())
        if metrics.get("split") == HELD_OUT
        for name, value in metrics.get("values", {}).items()
    }
