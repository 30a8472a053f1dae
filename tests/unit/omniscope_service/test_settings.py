"""Settings from the environment."""

import pytest
from pydantic import ValidationError

from omniscope_service.errors import ConfigurationError
from omniscope_service.settings import ServiceSettings, find_home


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path):
    for name in ("HOME", "NATS_URL", "ARTIFACTS_URL", "REGISTRY_TARGET", "LOG_LEVEL"):
        monkeypatch.delenv(f"OMNISCOPE_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_variables_of_the_environment_are_read(monkeypatch, tmp_path):
    monkeypatch.setenv("OMNISCOPE_HOME", str(tmp_path / "suite"))
    monkeypatch.setenv("OMNISCOPE_NATS_URL", "nats://broker:4222")
    monkeypatch.setenv("OMNISCOPE_ARTIFACTS_URL", "s3://bucket/prefix")
    monkeypatch.setenv("OMNISCOPE_REGISTRY_TARGET", "dns:///registry:50051")

    settings = ServiceSettings.load()

    assert settings.home == tmp_path / "suite"
    assert settings.nats_url == "nats://broker:4222"
    assert settings.artifacts_url == "s3://bucket/prefix"
    assert settings.registry_target == "dns:///registry:50051"


def test_artifacts_are_in_the_home_by_default(monkeypatch, tmp_path):
    monkeypatch.setenv("OMNISCOPE_HOME", str(tmp_path / "my home"))

    assert ServiceSettings.load().artifacts_url == f"file://{tmp_path}/my%20home/artifacts"


def test_a_relative_home_is_made_absolute(monkeypatch, tmp_path):
    monkeypatch.setenv("OMNISCOPE_HOME", "suite")

    assert ServiceSettings.load().home == tmp_path / "suite"


def test_an_empty_variable_counts_as_absent(monkeypatch):
    monkeypatch.setenv("OMNISCOPE_LOG_LEVEL", "")

    assert ServiceSettings.load().log_level == "info"


def test_a_wrong_value_is_named_with_what_is_allowed(monkeypatch):
    monkeypatch.setenv("OMNISCOPE_LOG_LEVEL", "loud")

    with pytest.raises(ConfigurationError, match=r"OMNISCOPE_LOG_LEVEL.*'debug', 'info'"):
        ServiceSettings.load()


def test_settings_cannot_be_changed():
    settings = ServiceSettings.load()

    with pytest.raises(ValidationError, match="frozen"):
        settings.log_level = "debug"


def test_the_home_is_searched_upwards(tmp_path):
    (tmp_path / ".omniscope").mkdir()
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)

    assert find_home(deep) == tmp_path / ".omniscope"


def test_without_a_home_above_it_is_made_where_one_stands(tmp_path):
    assert find_home(tmp_path) == tmp_path / ".omniscope"
