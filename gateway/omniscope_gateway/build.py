"""Writes the folder that Envoy starts from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from omniscope_gateway.bootstrap import bootstrap
from omniscope_gateway.services import descriptor_set
from omniscope_suite.services import public_services

if TYPE_CHECKING:
    from omniscope_gateway.settings import GatewaySettings


@dataclass(frozen=True)
class GatewayFiles:
    """The files that `build` has written.

    Attributes:
        configuration: Envoy's configuration; it names the other file by its absolute path.
        descriptors: The descriptor set of the public services.
    """

    configuration: Path
    descriptors: Path

    def command(self, *, envoy: Path = Path("envoy"), threads: int = 2) -> list[str]:
        """Return the command that starts Envoy from these files.

        Args:
            envoy: The binary, by path or as it is found on PATH.
            threads: Worker threads; connections are divided among them.
        """
        return [
            str(envoy),
            *("--config-path", str(self.configuration)),
            *("--concurrency", str(threads)),
            # Hot restart needs a number of its own for every Envoy on the machine.
            "--disable-hot-restart",
            *("--log-level", "warning"),
        ]


def build(settings: GatewaySettings, folder: Path) -> GatewayFiles:
    """Write configuration and descriptor set into a folder, which is made when it is missing.

    Raises:
        ValueError: An upstream is missing or unknown.
    """
    services = public_services()
    if wrong := services.keys() ^ settings.upstreams.keys():
        raise ValueError(
            f"upstreams are needed for exactly {sorted(services)}; wrong: {sorted(wrong)}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    root = folder.resolve()
    files = GatewayFiles(root / "envoy.yaml", root / "descriptors.pb")
    files.descriptors.write_bytes(descriptor_set(services).SerializeToString())
    configuration = bootstrap(settings, services, files.descriptors)
    files.configuration.write_text(yaml.safe_dump(configuration, sort_keys=False))
    return files
