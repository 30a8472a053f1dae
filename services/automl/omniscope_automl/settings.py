"""Settings of the automl service."""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

from omniscope_service.settings import JobServiceSettings


class AutoMLSettings(JobServiceSettings):
    """Settings that the service and its worker read from the environment."""

    model_config = SettingsConfigDict(env_prefix="OMNISCOPE_AUTOML_")

    listen: str = "127.0.0.1:50052"
    """Where the service answers, host:port."""
