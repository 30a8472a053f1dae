"""Settings of the registry."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path  # noqa: TC003 - pydantic evaluates it
from typing import Self

from pydantic import Field, model_validator

from omniscope_registry.datasets.import_uri import ImportRules
from omniscope_registry.jobs.domain import JobTimes
from omniscope_registry.jobs.values import Quota
from omniscope_service.settings import ServiceSettings

_PREFIX = "OMNISCOPE_REGISTRY_"


class RegistrySettings(ServiceSettings):
    """Settings that the registry reads from the environment."""

    listen: str = Field(default="127.0.0.1:50051", validation_alias=f"{_PREFIX}LISTEN")
    """Where the service answers, host:port."""
    database_url: str = ""
    """`sqlite+aiosqlite:///<path>` or `postgresql+asyncpg://...`. Default: SQLite in the home."""
    mlflow_tracking_uri: str = Field(default="", validation_alias="MLFLOW_TRACKING_URI")
    """Where the role `project` writes. Default: SQLite in the home."""
    max_upload_bytes: int = Field(
        default=2 * 1024**3, gt=0, validation_alias=f"{_PREFIX}MAX_UPLOAD_BYTES"
    )
    """Largest file that is taken as a dataset."""
    import_root: Path | None = Field(default=None, validation_alias=f"{_PREFIX}IMPORT_ROOT")
    """Folder below which callers may import files. Default: none may be imported."""
    import_buckets: str = Field(default="", validation_alias=f"{_PREFIX}IMPORT_BUCKETS")
    """S3 buckets that callers may import from, by name, separated by commas. Default: none."""
    stream_replicas: int = Field(
        default=1, ge=1, le=5, validation_alias=f"{_PREFIX}STREAM_REPLICAS"
    )
    """Copies that the broker keeps of its streams: 3 for a broker of three."""
    lease_seconds: float = Field(default=60, gt=0, validation_alias=f"{_PREFIX}LEASE_SECONDS")
    """A worker that sends no heartbeat for this long has lost its job."""
    heartbeat_seconds: float = Field(
        default=15, gt=0, validation_alias=f"{_PREFIX}HEARTBEAT_SECONDS"
    )
    """How often workers send one."""
    hint_seconds: float = Field(default=60, gt=0, validation_alias=f"{_PREFIX}HINT_SECONDS")
    """Workers whose jobs wait for longer are hinted again, once in this time."""
    cancel_grace_seconds: float = Field(
        default=60, gt=0, validation_alias=f"{_PREFIX}CANCEL_GRACE_SECONDS"
    )
    """A cancel that the worker has not confirmed after this time is enforced."""
    sweep_seconds: float = Field(default=5, gt=0, validation_alias=f"{_PREFIX}SWEEP_SECONDS")
    """How often queued jobs and leases are looked at."""
    attempts_kept_seconds: float = Field(
        default=86_400, gt=0, validation_alias=f"{_PREFIX}ATTEMPTS_KEPT_SECONDS"
    )
    """Whatever the attempts of an ended job left in the artifact store, other than its result, is
    removed after this time."""
    deleted_kept_seconds: float = Field(
        default=30 * 86_400, gt=0, validation_alias=f"{_PREFIX}DELETED_KEPT_SECONDS"
    )
    """A deleted model or artifact can be brought back for this long; then its package goes."""
    max_active_jobs: int = Field(default=200, ge=0, validation_alias=f"{_PREFIX}MAX_ACTIVE_JOBS")
    """Jobs of one owner that may wait or run at a time; 0: no limit."""
    max_submissions_per_minute: int = Field(
        default=120, ge=0, validation_alias=f"{_PREFIX}MAX_SUBMISSIONS_PER_MINUTE"
    )
    """Jobs that one owner may start within a minute; 0: no limit."""

    @model_validator(mode="after")
    def _fill_databases_from_home(self) -> Self:
        # After the parent's validator, which has made the home absolute.
        for field, scheme, file in (
            ("database_url", "sqlite+aiosqlite", "registry.db"),
            ("mlflow_tracking_uri", "sqlite", "mlflow.db"),
        ):
            if not getattr(self, field):
                object.__setattr__(self, field, f"{scheme}:///{self.home / file}")
        return self

    @model_validator(mode="after")
    def _lease_outlasts_a_lost_heartbeat(self) -> Self:
        if self.lease_seconds < 2 * self.heartbeat_seconds:
            raise ValueError(
                f"lease_seconds {self.lease_seconds} is less than two heartbeats of "
                f"{self.heartbeat_seconds} s: one lost heartbeat would end an attempt"
            )
        return self

    @property
    def quota(self) -> Quota:
        """Limits of one owner's jobs."""
        return Quota(self.max_active_jobs, self.max_submissions_per_minute)

    @property
    def import_rules(self) -> ImportRules:
        """The places that callers may import from."""
        names = (name.strip() for name in self.import_buckets.split(","))
        return ImportRules(self.import_root, tuple(name for name in names if name))

    @property
    def attempts_kept(self) -> timedelta:
        """How long attempts keep what they wrote after the end of their job."""
        return timedelta(seconds=self.attempts_kept_seconds)

    @property
    def deleted_kept(self) -> timedelta:
        """How long a deleted model or artifact can be brought back."""
        return timedelta(seconds=self.deleted_kept_seconds)

    @property
    def job_times(self) -> JobTimes:
        """The clocks of the job system."""
        return JobTimes(
            lease=timedelta(seconds=self.lease_seconds),
            heartbeat=timedelta(seconds=self.heartbeat_seconds),
            hint=timedelta(seconds=self.hint_seconds),
            cancel_grace=timedelta(seconds=self.cancel_grace_seconds),
            sweep=timedelta(seconds=self.sweep_seconds),
        )
