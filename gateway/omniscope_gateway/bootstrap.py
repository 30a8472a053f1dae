"""Envoy's whole configuration: one listener, one cluster per service, limits on the process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from omniscope_gateway.clusters import cluster
from omniscope_gateway.listener import listener

if TYPE_CHECKING:
    from pathlib import Path

    from omniscope_gateway.services import PublicServices
    from omniscope_gateway.settings import GatewaySettings

_MAX_HEAP_BYTES: Final = 1024 * 1024 * 1024
_MAX_CONNECTIONS: Final = 5_000
_MONITORS: Final = "type.googleapis.com/envoy.extensions.resource_monitors"


def bootstrap(
    settings: GatewaySettings, services: PublicServices, descriptor_file: Path
) -> dict[str, Any]:
    """Return the configuration that Envoy starts with; it loads nothing later.

    It has no administration: Envoy's asks nobody for a token, so that on a port every user of the
    machine could read its configuration and end it.
    """
    return {
        "static_resources": {
            "listeners": [listener(settings, services, descriptor_file)],
            "clusters": [cluster(name, address) for name, address in settings.upstreams.items()],
        },
        "overload_manager": _overload_manager(),
    }


def _overload_manager() -> dict[str, Any]:
    return {
        "refresh_interval": "0.25s",
        "resource_monitors": [
            _monitor("fixed_heap", "FixedHeapConfig", max_heap_size_bytes=_MAX_HEAP_BYTES),
            _monitor(
                "global_downstream_max_connections",
                "DownstreamConnectionsConfig",
                module="downstream_connections",
                max_active_downstream_connections=_MAX_CONNECTIONS,
            ),
        ],
        "actions": [
            _at_heap_share("envoy.overload_actions.shrink_heap", 0.95),
            _at_heap_share("envoy.overload_actions.stop_accepting_requests", 0.98),
        ],
    }


def _monitor(name: str, config: str, *, module: str = "", **options: Any) -> dict[str, Any]:
    type_url = f"{_MONITORS}.{module or name}.v3.{config}"
    return {
        "name": f"envoy.resource_monitors.{name}",
        "typed_config": {"@type": type_url, **options},
    }


def _at_heap_share(action: str, share: float) -> dict[str, Any]:
    return {
        "name": action,
        "triggers": [
            {"name": "envoy.resource_monitors.fixed_heap", "threshold": {"value": share}}
        ],
    }
