"""Conversions between the protocol, the job intake and the spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omniscope.common.v1.job_input_pb2 import JobInput
from omniscope.registry.v1.job_intake_service_pb2 import SubmitJobRequest
from omniscope_echo import spec
from omniscope_echo.entry import ENTRY
from omniscope_echo.v1.echo_service_pb2 import EchoRequest
from omniscope_ml.codec import encode
from omniscope_service.errors import InvalidArgument
from omniscope_service.job_config import pack_config, unpack_config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omniscope.common.v1.dataset_pb2 import Dataset
    from omniscope.common.v1.model_pb2 import Model
    from omniscope.registry.v1.worker_service_pb2 import ClaimJobResponse


def check_request(request: EchoRequest) -> None:
    """Fill in what the request leaves open, and refuse what is not allowed.

    Raises:
        InvalidArgument: With the field, its value and what is allowed.
    """
    if not request.HasField("rows"):
        request.rows = spec.DEFAULT_ROWS
    _require_in("rows", request.rows, spec.ROWS_RANGE)
    _require_in("seconds_per_row", request.seconds_per_row, spec.SECONDS_RANGE)
    if len(request.message) > spec.MESSAGE_CHARACTERS:
        raise InvalidArgument(
            f"message has {len(request.message)} characters; allowed are at most "
            f"{spec.MESSAGE_CHARACTERS}.",
            reason="FIELD_INVALID",
            field="message",
        )


def request_to_submission(
    request: EchoRequest, dataset: Dataset, model: Model
) -> SubmitJobRequest:
    """Return what the registry is asked to queue: its inputs by ids, for names may move on."""
    request.dataset_id, request.model_id = dataset.dataset_id, model.model_id
    request.model_name = model.name
    return SubmitJobRequest(
        service=ENTRY.name,
        artifact_kind=spec.ARTIFACT_KIND,
        config=pack_config(request),
        inputs=[
            JobInput(role=spec.DATASET_ROLE, dataset_id=dataset.dataset_id),
            JobInput(role=spec.MODEL_ROLE, model_id=model.model_id),
        ],
        request_id=request.request_id,
        validate_only=request.validate_only,
        hard_limit_seconds=spec.hard_limit_seconds(request.rows, request.seconds_per_row),
    )


def claim_to_spec(claim: ClaimJobResponse) -> Mapping[str, Any]:
    """Return the spec of a claimed job, as the child reads it."""
    config = unpack_config(claim, EchoRequest)
    return encode(
        spec.EchoSpec(
            job_id=claim.lease.job_id,
            attempt=claim.lease.attempt,
            message=config.message,
            model_name=config.model_name,
            rows=config.rows,
            seconds_per_row=config.seconds_per_row,
        )
    )


def _require_in(field: str, value: float, allowed: tuple[float, float]) -> None:
    low, high = allowed
    if not low <= value <= high:
        raise InvalidArgument(
            f"{field} is {value:g}; it must be from {low:g} to {high:g}.",
            reason="FIELD_INVALID",
            field=field,
        )
