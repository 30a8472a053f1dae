"""Settings that every service shares, read from the environment once at start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from omniscope_service.errors import ConfigurationError

if TYPE_CHECKING:
    from omniscope_suite.entry import ResourceClass

HOME_FOLDER = ".omniscope"
"""Name of a local suite's home when `OMNISCOPE_HOME` does not name another."""


def find_home(start: Path) -> Path:
    """Return the nearest `.omniscope` in a folder or its parents, else the one to make there."""
    for folder in (start, *start.parents):
        if (folder / HOME_FOLDER).is_dir():
            return folder / HOME_FOLDER
    return start / HOME_FOLDER


class ServiceSettings(BaseSettings):
    """Settings of every service; a service's own class adds its fields, `listen` among them.

    Fields of this class come from `OMNISCOPE_<FIELD>` in every service; those of a subclass too,
    unless it states another `env_prefix` or names the variable by alias.
    """

    model_config = SettingsConfigDict(
        env_prefix="OMNISCOPE_", frozen=True, extra="ignore", populate_by_name=True
    )

    home: Path = Field(
        default_factory=lambda: find_home(Path.cwd()), validation_alias="OMNISCOPE_HOME"
    )
    """Folder of a local suite: tokens, logs, caches and what is embedded."""
    nats_url: str = Field(default="nats://127.0.0.1:4222", validation_alias="OMNISCOPE_NATS_URL")
    """Broker."""
    artifacts_url: str = Field(default="", validation_alias="OMNISCOPE_ARTIFACTS_URL")
    """Artifact store. Default: the folder `artifacts` in the home."""
    registry_target: str = Field(
        default="127.0.0.1:50051", validation_alias="OMNISCOPE_REGISTRY_TARGET"
    )
    """gRPC target of the registry."""
    dataset_cache_bytes: int = Field(
        default=20 * 1024**3, gt=0, validation_alias="OMNISCOPE_DATASET_CACHE_BYTES"
    )
    """Datasets that the workers of a machine keep in the home for later jobs. Default: 20 GiB."""
    package_cache_bytes: int = Field(
        default=20 * 1024**3, gt=0, validation_alias="OMNISCOPE_PACKAGE_CACHE_BYTES"
    )
    """Model packages that the workers of a machine keep likewise. Default: 20 GiB."""
    machine_slots: int = Field(default=0, ge=0, le=64, validation_alias="OMNISCOPE_MACHINE_SLOTS")
    """Trainings that all workers with this home run at a time, whichever service's. Default, 0:
    each has slots of its own. A local suite sets 1."""
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", validation_alias="OMNISCOPE_LOG_LEVEL"
    )
    """Least severity that is logged."""

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if value != ""}

    @model_validator(mode="after")
    def _fill_from_home(self) -> Self:
        object.__setattr__(self, "home", self.home.expanduser().absolute())
        if not self.artifacts_url:
            object.__setattr__(self, "artifacts_url", (self.home / "artifacts").as_uri())
        return self

    @classmethod
    def load(cls) -> Self:
        """Read the environment.

        Raises:
            ConfigurationError: A variable is missing or holds a value that is not allowed.
        """
        try:
            return cls()
        except ValidationError as err:
            faults = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in err.errors())
            raise ConfigurationError(f"Settings are wrong: {'; '.join(faults)}.") from err


class JobServiceSettings(ServiceSettings):
    """Settings of a service that runs jobs.

    A service's own class says where it listens and states its prefix, so that the fields come
    from `OMNISCOPE_<SERVICE>_<FIELD>`:

        model_config = SettingsConfigDict(env_prefix="OMNISCOPE_AUTOML_")
    """

    listen: str = "127.0.0.1:0"
    """Where the service answers, host:port."""
    slots: int = Field(default=1, ge=1, le=64)
    """Jobs that a worker runs at a time."""
    child_memory_bytes: int = Field(default=0, ge=0)
    """A job that holds more is ended. Default, 0: 85 % of what the container or the machine has,
    divided by the slots of all workers of the process."""

    def usable_classes(self, known: tuple[ResourceClass, ...]) -> tuple[ResourceClass, ...]:
        """Return the kinds of jobs that the process works on, of those that its service knows."""
        return known
