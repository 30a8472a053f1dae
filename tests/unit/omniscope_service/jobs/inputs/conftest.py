"""An artifact store with model packages that a registry has signed, and their claims."""

import pytest

from omniscope_service.artifacts import ArtifactStore
from tests.unit.omniscope_service.jobs.packages import SigningKey


@pytest.fixture
def artifacts(tmp_path):
    return ArtifactStore.open((tmp_path / "artifacts").as_uri())


@pytest.fixture
def key():
    return SigningKey()
