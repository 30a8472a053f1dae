"""Settings of the automl service."""

from __future__ import annotations

from pydantic import Field

from omniscope_service.settings import ServiceSettings


class AutoMLSettings(ServiceSettings):
    """What the service and its worker read from the environment."""

    listen: str = Field(default="127.0.0.1:50052", validation_alias="OMNISCOPE_AUTOML_LISTEN")
    """Where the service answers, host:port."""
    slots: int = Field(default=1, ge=1, le=64, validation_alias="OMNISCOPE_AUTOML_SLOTS")
    """Trainings that the worker runs at a time. AutoGluon uses all cores for one."""
    child_memory_bytes: int = Field(
        default=0, ge=0, validation_alias="OMNISCOPE_AUTOML_CHILD_MEMORY_BYTES"
    )
    """A training that holds more is ended. Default, 0: 85 % of what the container or the machine
    has, divided by the slots."""
