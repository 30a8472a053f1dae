"""`python -m omniscope_registry serve|project`."""

from omniscope_registry.app import build
from omniscope_registry.entry import ENTRY
from omniscope_registry.settings import RegistrySettings
from omniscope_service.main import run_service

if __name__ == "__main__":
    run_service(ENTRY, RegistrySettings, build)
