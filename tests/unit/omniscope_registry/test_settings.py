import pytest

from omniscope_registry.settings import RegistrySettings
from omniscope_service.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch, tmp_path):
    for name in ("OMNISCOPE_DATABASE_URL", "MLFLOW_TRACKING_URI", "OMNISCOPE_REGISTRY_LISTEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMNISCOPE_HOME", str(tmp_path))


def test_databases_lie_in_the_home_unless_they_are_named(tmp_path):
    settings = RegistrySettings.load()

    assert settings.database_url == f"sqlite+aiosqlite:///{tmp_path}/registry.db"
    assert settings.mlflow_tracking_uri == f"sqlite:///{tmp_path}/mlflow.db"


def test_the_environment_names_addresses_and_times(monkeypatch):
    monkeypatch.setenv("OMNISCOPE_REGISTRY_LISTEN", "127.0.0.1:7000")
    monkeypatch.setenv("OMNISCOPE_DATABASE_URL", "postgresql+asyncpg://db/registry")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    monkeypatch.setenv("OMNISCOPE_REGISTRY_LEASE_SECONDS", "2")
    monkeypatch.setenv("OMNISCOPE_REGISTRY_HEARTBEAT_SECONDS", "0.5")

    settings = RegistrySettings.load()

    assert settings.listen == "127.0.0.1:7000"
    assert settings.database_url == "postgresql+asyncpg://db/registry"
    assert settings.mlflow_tracking_uri == "http://mlflow:5000"
    assert settings.job_times.lease.total_seconds() == 2
    assert settings.job_times.heartbeat.total_seconds() == 0.5


def test_a_lease_has_to_survive_one_lost_heartbeat(monkeypatch):
    monkeypatch.setenv("OMNISCOPE_REGISTRY_LEASE_SECONDS", "20")

    with pytest.raises(ConfigurationError, match="two heartbeats"):
        RegistrySettings.load()
