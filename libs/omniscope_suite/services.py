"""Finds the services that are installed here, of this distribution or of others."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final

from omniscope_suite.methods import is_public

if TYPE_CHECKING:
    from google.protobuf.descriptor import ServiceDescriptor

    from omniscope_suite.entry import ServiceEntry

SERVICES_GROUP: Final = "omniscope.services"
"""Entry points of this group lead to a `ServiceEntry`."""


def service_entries() -> tuple[ServiceEntry, ...]:
    """Return the entries of all services, first those that run no jobs, then by name.

    Raises:
        LookupError: There is none, or two services have the same name.
    """
    found: list[ServiceEntry] = [point.load() for point in entry_points(group=SERVICES_GROUP)]
    if not found:
        raise LookupError(
            f"no service is installed (entry points of the group {SERVICES_GROUP}): install the "
            "distribution again"
        )
    names = [entry.name for entry in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise LookupError(f"two services that are installed have the name {min(twice)!r}")
    return tuple(sorted(found, key=lambda entry: (bool(entry.resource_classes), entry.name)))


@cache
def load_messages() -> None:
    """Import the generated modules of all services: their messages are known in `Any` then."""
    for entry in service_entries():
        for module in entry.protos:
            import_module(module)


def public_services() -> dict[str, tuple[ServiceDescriptor, ...]]:
    """Return the gRPC services with public methods, by the name of the service that has them."""
    public = {entry.name: _public_services(entry) for entry in service_entries()}
    return {name: services for name, services in public.items() if services}


def public_names() -> tuple[str, ...]:
    """Return the full names of the gRPC services that the outside may call."""
    return tuple(
        service.full_name for services in public_services().values() for service in services
    )


def _public_services(entry: ServiceEntry) -> tuple[ServiceDescriptor, ...]:
    return tuple(
        service
        for module in entry.protos
        for service in import_module(module).DESCRIPTOR.services_by_name.values()
        if any(map(is_public, service.methods))
    )
