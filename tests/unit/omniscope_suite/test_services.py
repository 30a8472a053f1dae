"""A service is known to the suite by its entry alone, whichever distribution brings it."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import google.api
import pytest
import yaml

from omniscope_gateway.build import build
from omniscope_gateway.settings import Address, GatewaySettings
from omniscope_local.ports import choose_ports
from omniscope_local.programs import suite_programs
from omniscope_suite import services
from omniscope_suite.entry import ServiceEntry
from omniscope_suite.services import public_names, public_services, service_entries
from tools.proto_files import PROTOS

PROTO = """
syntax = "proto3";
package elsewhere.v1;
import "google/api/annotations.proto";
import "google/protobuf/empty.proto";
import "omniscope/common/v1/method_policy.proto";
service ElsewhereService {
  rpc Ask(google.protobuf.Empty) returns (google.protobuf.Empty) {
    option (omniscope.common.v1.policy) = {
      roles: ROLE_VIEWER
      timeout_seconds: 100
      visibility: VISIBILITY_PUBLIC
    };
    option (google.api.http) = {get: "/api/ml/elsewhere"};
  }
  rpc Tell(google.protobuf.Empty) returns (google.protobuf.Empty) {
    option (omniscope.common.v1.policy) = {roles: ROLE_SERVICE, visibility: VISIBILITY_INTERNAL};
  }
}
"""
ENTRY = """
from omniscope_suite.entry import ServiceEntry
ENTRY = ServiceEntry(
    name="elsewhere",
    package="elsewhere",
    protos=("elsewhere_pb2",),
    description="made elsewhere",
)
"""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Another distribution with a service; its name."""
    site = tmp_path / "site"
    (site / "elsewhere").mkdir(parents=True)
    (site / "elsewhere" / "__init__.py").touch()
    (site / "elsewhere" / "entry.py").write_text(ENTRY)
    (site / "elsewhere.proto").write_text(PROTO)
    third_party = Path(next(iter(google.api.__path__))).parents[1]
    subprocess.run(
        [
            *(sys.executable, "-m", "grpc_tools.protoc"),
            *(f"--proto_path={site}", f"--proto_path={PROTOS}", f"--proto_path={third_party}"),
            *(f"--python_out={site}", "elsewhere.proto"),
        ],
        check=True,
    )
    metadata = site / "elsewhere-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[omniscope.services]\nelsewhere = elsewhere.entry:ENTRY\n"
    )
    monkeypatch.syspath_prepend(site)
    return "elsewhere"


def test_the_services_of_this_distribution_are_found_the_registry_first():
    assert [entry.name for entry in service_entries()] == ["registry", "automl", "deeplearning"]


def test_an_entry_imports_nothing_of_its_service():
    packages = ("omniscope_automl", "omniscope_deeplearning", "omniscope_registry")
    code = (
        f"import sys, {', '.join(f'{package}.entry' for package in packages)};"
        "print(*(name for name in sys.modules if name.startswith('omniscope_')))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    own = {module for package in packages for module in (package, f"{package}.entry")}
    assert set(loaded.split()) == {*own, "omniscope_suite", "omniscope_suite.entry"}


def test_a_service_of_another_distribution_is_started_with_the_others(elsewhere, tmp_path):
    entries = service_entries()
    ports = choose_ports([entry.name for entry in entries], {}, free=True)

    programs = {program.name: program for program in suite_programs(tmp_path, ports, entries)}

    program = programs[elsewhere]
    assert program.command[1:] == ["-m", "elsewhere", "all"]
    assert program.environment["OMNISCOPE_ELSEWHERE_LISTEN"] == program.address
    assert program.description == "made elsewhere"


def test_what_it_calls_public_is_routed_and_described_and_the_rest_is_not(elsewhere, tmp_path):
    upstreams = dict.fromkeys(public_services(), Address("127.0.0.1", 1))
    settings = GatewaySettings(listen=Address("127.0.0.1", 2), upstreams=upstreams)

    configuration = yaml.safe_load(build(settings, tmp_path).configuration.read_text())

    resources = configuration["static_resources"]
    assert elsewhere in {cluster["name"] for cluster in resources["clusters"]}
    manager = resources["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    routes = manager["route_config"]["virtual_hosts"][0]["routes"]
    own = [route for route in routes if "elsewhere.v1" in str(route["match"])]
    assert [(route["match"]["path"], route["route"]["timeout"]) for route in own] == [
        ("/elsewhere.v1.ElsewhereService/Ask", "105s")
    ]
    assert "elsewhere.v1.ElsewhereService" in public_names()


def test_without_any_service_it_says_that_none_is_installed(monkeypatch):
    monkeypatch.setattr(services, "entry_points", lambda group: ())

    with pytest.raises(LookupError, match="no service is installed"):
        service_entries()


def test_two_services_of_one_name_are_refused(elsewhere, monkeypatch):
    entries = entry_points(group=services.SERVICES_GROUP)
    monkeypatch.setattr(services, "entry_points", lambda group: (*entries, *entries))

    with pytest.raises(LookupError, match="have the name 'automl'"):
        service_entries()


@pytest.mark.parametrize("name", ["", "Echo", "my-echo", "1st", "a b"])
def test_a_name_that_no_variable_can_have_is_refused(name):
    with pytest.raises(ValueError, match="lower-case letters and digits"):
        ServiceEntry(name=name, package="echo", protos=(), description="")
