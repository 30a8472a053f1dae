"""What strangers may not do: send identities, come from elsewhere, administer it."""

import json
import socket
from pathlib import Path

import grpc
import pytest
import requests

from omniscope.automl.v1.automl_service_pb2 import ListPresetsRequest
from omniscope.automl.v1.automl_service_pb2_grpc import AutoMLServiceStub
from omniscope_suite.services import public_services
from tests.integration.gateway.conftest import Gateway, envoy

GOOD = {"dataset_id": "my_dataset", "target_column": "outcome"}


def test_identity_headers_of_strangers_are_removed(gateway: Gateway, rest: requests.Session):
    untrusted = {
        "omniscope-caller-token": "somebody",
        "Omniscope-Subject": "somebody",
        "x-forwarded-for": "203.0.113.9",
        "x-forwarded-user": "somebody",
        "x-forwarded-host": "somewhere",
        "x-remote-user": "somebody",
        "x-user": "somebody",
        "x-auth-request-email": "somebody",
        "remote-user": "somebody",
        "forwarded": "for=203.0.113.9",
        "kubeflow-userid": "somebody",
        "x-envoy-internal": "true",
        "x-request-id": "203.0.113.9",
    }

    rest.post(f"{gateway.url}/api/ml/automl/train", json=GOOD, headers=untrusted)

    seen = gateway.seen["Train"]
    assert seen["authorization"] == f"Bearer {gateway.tokens.user}"
    assert not {name for name, value in seen.items() if "somebody" in value}
    assert not {name for name, value in seen.items() if "203.0.113.9" in value}
    assert "x-envoy-internal" not in seen


def test_the_request_id_is_the_gateways_and_comes_back(gateway: Gateway, rest: requests.Session):
    response = rest.post(f"{gateway.url}/api/ml/automl/train", json=GOOD)

    assert response.headers["x-request-id"] == gateway.seen["Train"]["x-request-id"]


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1:8080", "[::1]:8080"])
def test_the_names_of_this_machine_are_answered(
    gateway: Gateway, rest: requests.Session, host: str
):
    response = rest.get(f"{gateway.url}/api/ml/datasets", headers={"host": host})

    assert response.status_code == 200


@pytest.mark.parametrize("host", ["evil.example.org", "localhost.example.org", "127.0.0.2"])
@pytest.mark.parametrize("path", ["/api/ml/datasets", "/healthz"])
def test_other_hosts_are_refused(gateway: Gateway, rest: requests.Session, host: str, path: str):
    response = rest.get(gateway.url + path, headers={"host": host})

    assert response.status_code == 403
    assert response.json()["details"][0]["reason"] == "ORIGIN_REFUSED"


@pytest.mark.parametrize("origin", ["https://evil.example.org", "null", "http://localhost.evil"])
def test_pages_from_elsewhere_are_refused(gateway: Gateway, rest: requests.Session, origin: str):
    for method in ("get", "post", "delete", "options"):
        response = rest.request(
            method, f"{gateway.url}/api/ml/datasets/x", headers={"origin": origin}
        )
        assert response.status_code == 403


@pytest.mark.parametrize("origin", ["http://localhost:5173", "https://lab.example.org"])
def test_allowed_pages_may_ask_and_call(gateway: Gateway, rest: requests.Session, origin: str):
    preflight = requests.options(
        f"{gateway.url}/api/ml/automl/train",
        headers={"origin": origin, "access-control-request-method": "POST"},
        timeout=60,
    )
    call = rest.get(f"{gateway.url}/api/ml/datasets", headers={"origin": origin})

    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == origin
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in preflight.headers
    assert call.headers["access-control-allow-origin"] == origin


@pytest.mark.parametrize(
    "head",
    [
        "GET /api/ml/datasets%2fx HTTP/1.1",
        "GET /api/ml/datasets HTTP/1.1\r\nx_underscore: 1",
        "POST /api/ml/datasets HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked",
        "GET /api/ml/datasets HTTP/1.1\r\nx-large: " + "x" * 33_000,
        "GET /api/ml/datasets HTTP/1.1" + "".join(f"\r\nx-{n}: 1" for n in range(120)),
    ],
)
def test_dubious_requests_are_refused(gateway: Gateway, head: str):
    authorization = f"authorization: Bearer {gateway.tokens.user}"
    request = f"{head}\r\nhost: localhost\r\n{authorization}\r\n\r\n".encode()

    with socket.create_connection(("127.0.0.1", gateway.port), timeout=60) as connection:
        connection.sendall(request)
        status_line = connection.makefile("rb").readline()

    assert status_line.split()[1] in (b"400", b"431")


def test_the_public_port_has_no_administration(gateway: Gateway, rest: requests.Session):
    for path in ("/stats", "/config_dump", "/quitquitquit", "/server_info"):
        assert rest.get(gateway.url + path).status_code == 404


def test_a_service_that_is_down_is_said_to_be_down(tmp_path: Path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed_port = unused.getsockname()[1]
        with envoy(tmp_path, dict.fromkeys(public_services(), closed_port)) as port:
            url = f"http://127.0.0.1:{port}"
            by_rest = requests.get(f"{url}/api/ml/datasets", timeout=60)
            with (
                grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
                pytest.raises(grpc.RpcError) as by_grpc,
            ):
                AutoMLServiceStub(channel).ListPresets(ListPresetsRequest(), timeout=60)
            health = requests.get(f"{url}/healthz", timeout=60)

    assert by_rest.status_code == 503
    assert by_rest.json()["details"][0]["reason"] == "SERVICE_UNREACHABLE"
    assert by_grpc.value.code() == grpc.StatusCode.UNAVAILABLE
    assert health.status_code == 200


def test_the_access_log_has_the_path_of_every_call_without_its_query(tmp_path: Path):
    with envoy(tmp_path, dict.fromkeys(public_services(), 9)) as port:
        requests.get(f"http://127.0.0.1:{port}/api/ml/datasets?page_token=abc", timeout=60)
        with (
            grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
            pytest.raises(grpc.RpcError),
        ):
            AutoMLServiceStub(channel).ListPresets(ListPresetsRequest(), timeout=60)

    lines = (tmp_path / "envoy.log").read_text().splitlines()
    paths = [json.loads(line)["path"] for line in lines if line.startswith("{")]
    assert "/api/ml/datasets" in paths
    assert "/omniscope.automl.v1.AutoMLService/ListPresets" in paths
    assert not any("page_token" in path for path in paths)
