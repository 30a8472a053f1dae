"""What pyproject.toml lists of services is what their entries state."""

import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from omniscope_suite.entry import ServiceEntry
from omniscope_suite.services import SERVICES_GROUP, service_entries

PROJECT = Path(__file__).parents[2]
PYPROJECT: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text())
ENTRIES = [entry for entry in service_entries() if (PROJECT / "services" / entry.name).is_dir()]
JOB_ENTRIES = [entry for entry in ENTRIES if entry.resource_classes]


def contract(name: str) -> dict[str, Any]:
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    return next(found for found in contracts if found["name"].startswith(name))


def test_every_folder_of_services_has_an_entry():
    folders = {path.name for path in (PROJECT / "services").iterdir() if path.is_dir()}

    assert folders == {entry.name for entry in ENTRIES}


def test_what_is_installed_has_the_entry_points_of_pyproject():
    stated = PYPROJECT["project"]["entry-points"][SERVICES_GROUP]
    installed = {point.name: point.value for point in entry_points(group=SERVICES_GROUP)}

    assert stated.items() <= installed.items(), "install again: make setup-dev"
    assert stated == {entry.name: f"{entry.package}.entry:ENTRY" for entry in ENTRIES}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_service_is_packaged_found_by_tools_and_has_an_extra(entry: ServiceEntry):
    folder, tool = f"services/{entry.name}", PYPROJECT["tool"]

    assert f"{folder}/{entry.package}" in tool["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert folder in tool["hatch"]["build"]["dev-mode-dirs"]
    assert folder in tool["ruff"]["src"]
    assert folder in tool["mypy"]["mypy_path"]
    assert entry.name in PYPROJECT["project"]["optional-dependencies"]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_the_layers_hold_for_a_service(entry: ServiceEntry):
    assert entry.package in PYPROJECT["tool"]["importlinter"]["root_packages"]
    assert entry.package in contract("Services never import each other")["modules"]
    for library in ("What is known of services", "Service code", "Machine learning", "The client"):
        assert entry.package in contract(library)["forbidden_modules"], library
    for library in ("The local suite", "What all trainings check"):
        assert entry.package in contract(library)["forbidden_modules"], library


@pytest.mark.parametrize("entry", JOB_ENTRIES, ids=lambda entry: entry.name)
def test_the_layers_inside_of_a_service_that_runs_jobs_hold(entry: ServiceEntry):
    spec, trainer, servicer = (f"{entry.package}.{m}" for m in ("spec", "trainer", "servicer"))

    assert entry.package in contract("Inside a service")["containers"]
    assert {spec, trainer} <= set(contract("Specs and trainers")["source_modules"])
    assert {spec, servicer} <= set(contract("The API of a service")["source_modules"])
