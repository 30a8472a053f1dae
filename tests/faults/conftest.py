"""A cluster for each test, and the look at its database when the test is over."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.cluster import Cluster
from tests.faults.invariants import violations


@pytest.fixture
async def cluster(home: Path) -> AsyncIterator[Cluster]:
    """Processes to be hurt; afterwards every promise must have been kept."""
    started = Cluster(home)
    try:
        yield started
    finally:
        await started.stop()
    assert violations(home / "registry.db", started.acknowledged) == []
    assert not started.children()
