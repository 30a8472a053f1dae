"""Between rows of models and the protocol's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf import json_format

from omniscope.common.v1.lineage_pb2 import Lineage, LineageEdge, LineageNode, LineageNodeKind
from omniscope.common.v1.model_pb2 import Model, ModelResults
from omniscope.registry.v1.model_service_pb2 import ModelAlias
from omniscope_registry.field_checks import check, check_description, check_tags
from omniscope_registry.models.changes_sql import ModelChange
from omniscope_registry.training_config import config_from_json
from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import timedelta

    from sqlalchemy import Row

    from omniscope.registry.v1.model_service_pb2 import GetLineageRequest, UpdateModelRequest
    from omniscope_registry.models.lineage import Edge, NodeKind

CHANGEABLE: Final = ("description", "tags")
"""Fields of a model that UpdateModel changes."""

_DEFAULT_DEPTH: Final = 5
_MAX_DEPTH: Final = 50

HELD_OUT: Final = "test"
"""Name of the split whose metrics a model is known by."""


def model_to_proto(
    row: Row[Any], *, with_config: bool, aliases: Sequence[str], kept: timedelta
) -> Model:
    """Return a model as clients see it.

    Args:
        row: Of `ml_models`, with `training_config` if that is wanted.
        with_config: Add the training request.
        aliases: That point to it.
        kept: How long it can be brought back once it is deleted.
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
        dataset_id=row.dataset_id or "",
        artifacts_path=row.artifacts_path,
        manifest_digest=row.manifest_digest,
        size_bytes=row.size_bytes,
        mlflow_run_id=row.mlflow_run_id or "",
        created_by=row.created_by,
        aliases=aliases,
        training_config=config_from_json(row.training_config) if with_config else None,
    )
    model.create_time.FromDatetime(row.created_at)
    model.update_time.FromDatetime(row.updated_at)
    if row.deleted_at is not None:
        model.delete_time.FromDatetime(row.deleted_at)
        model.purge_time.FromDatetime(row.deleted_at + kept)
    return model


def alias_to_proto(row: Row[Any]) -> ModelAlias:
    """Return an alias, from a row of `model_aliases` with the `version` that it points to."""
    found = ModelAlias(
        alias=row.alias,
        name=row.name,
        model_id=row.model_id,
        version=row.version,
        etag=row.etag,
        updated_by=row.updated_by,
    )
    found.update_time.FromDatetime(row.updated_at)
    return found


def change_from_proto(request: UpdateModelRequest) -> ModelChange:
    """Return what a caller wants to change of a model.

    Raises:
        InvalidArgument: Reason MASK_PATH_UNKNOWN, or FIELD_INVALID.
    """
    model, paths = request.model, list(request.update_mask.paths)
    if not model.model_id:
        raise InvalidArgument(
            "model.model_id is required.", reason="FIELD_REQUIRED", field="model.model_id"
        )
    for path in paths:
        if path not in (*CHANGEABLE, "*"):
            raise InvalidArgument(
                f"update_mask path {path[:64]!r} is not one of {', '.join(CHANGEABLE)}, *.",
                reason="MASK_PATH_UNKNOWN",
                field="update_mask",
            )
    wanted = {name for name in CHANGEABLE if name in paths or "*" in paths}
    if not paths:
        wanted = {name for name in CHANGEABLE if getattr(model, name)}
    check_description(model.description, "model.description")
    check_tags(model.tags, "model.tags")
    return ModelChange(
        description=model.description if "description" in wanted else None,
        tags=dict(model.tags) if "tags" in wanted else None,
    )


def max_depth_from_proto(request: GetLineageRequest) -> int:
    """Return how many jobs away from a model its lineage goes.

    Raises:
        InvalidArgument: Reason FIELD_INVALID.
    """
    depth = request.max_depth
    check("max_depth", depth, 0 <= depth <= _MAX_DEPTH, f"1 to {_MAX_DEPTH}, or 0 for the default")
    return depth or _DEFAULT_DEPTH


def lineage_to_proto(
    nodes: Sequence[tuple[NodeKind, Row[Any]]], edges: Iterable[Edge], *, truncated: bool
) -> Lineage:
    """Return a lineage as clients see it.

    Args:
        nodes: With their rows, the model that was asked for first.
        edges: Between them.
        truncated: Whether there is more.
    """
    return Lineage(
        model_id=nodes[0][1].id,
        nodes=[_node_to_proto(kind, row) for kind, row in nodes],
        edges=[LineageEdge(**edge._asdict()) for edge in edges],
        truncated=truncated,
    )


def _node_to_proto(kind: NodeKind, row: Row[Any]) -> LineageNode:
    node = LineageNode(
        id=row.id,
        kind=LineageNodeKind.Value(f"LINEAGE_NODE_KIND_{kind.name}"),
        type=row.type,
        name=row.name,
        version=row.version,
        purged=row.purged,
    )
    node.create_time.FromDatetime(row.created_at)
    if row.deleted_at is not None:
        node.delete_time.FromDatetime(row.deleted_at)
    return node


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
