"""A job's configuration is its request, as bytes that a repeated call repeats."""

import pytest

from omniscope.automl.v1.automl_service_pb2 import GetLeaderboardRequest, TrainRequest
from omniscope.registry.v1.worker_service_pb2 import ClaimJobResponse
from omniscope_service.errors import InvalidArgument
from omniscope_service.job_config import pack_config, unpack_config


def claim_of(request) -> ClaimJobResponse:
    claim = ClaimJobResponse()
    claim.job.config.CopyFrom(pack_config(request))
    return claim


def test_it_is_the_request_without_what_belongs_to_the_call():
    request = TrainRequest(dataset_id="cells", request_id="1", validate_only=True)

    assert unpack_config(claim_of(request), TrainRequest) == TrainRequest(dataset_id="cells")
    assert (request.request_id, request.validate_only) == ("1", True)


def test_a_request_without_such_fields_is_packed_as_it_is():
    request = GetLeaderboardRequest(job_id="J1")

    assert unpack_config(claim_of(request), GetLeaderboardRequest) == request


def test_its_bytes_do_not_depend_on_the_order_of_labels():
    one = TrainRequest(tags={str(n): "x" for n in range(20)})
    other = TrainRequest(tags={str(n): "x" for n in reversed(range(20))})

    assert pack_config(one).value == pack_config(other).value


def test_the_request_of_another_service_is_refused():
    with pytest.raises(InvalidArgument, match=r"no omniscope\.automl\.v1\.TrainRequest") as raised:
        unpack_config(claim_of(GetLeaderboardRequest()), TrainRequest)

    assert (raised.value.reason, raised.value.field) == ("CONFIG_UNKNOWN", "config")
