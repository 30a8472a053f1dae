"""A cluster for each test, and the look at what it has left when the test is over."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from omniscope_service.testing.tokens import write_tokens
from tests.faults.case import case
from tests.faults.cluster import Cluster


@pytest.fixture(scope="session")
def uploaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home whose registry holds a dataset, and that dataset: reading one takes seconds."""
    home = tmp_path_factory.mktemp("uploaded") / "home"
    write_tokens(home)

    async def upload() -> str:
        cluster = Cluster(home)
        try:
            await cluster.start(workers=0)
        finally:
            await cluster.stop()
        return cluster.dataset_id

    return home, asyncio.run(upload())


@pytest.fixture
def cluster_of_its_own(uploaded: tuple[Path, str], tmp_path: Path) -> Cluster:
    """A cluster that does not run yet."""
    home, dataset_id = uploaded
    shutil.copytree(home, tmp_path / "home", ignore=shutil.ignore_patterns("nats", "*.log"))
    return Cluster(tmp_path / "home", dataset_id=dataset_id)


@pytest.fixture
async def cluster(cluster_of_its_own: Cluster) -> AsyncIterator[Cluster]:
    """Processes to be hurt; afterwards every promise must have been kept."""
    async with case(cluster_of_its_own):
        yield cluster_of_its_own
