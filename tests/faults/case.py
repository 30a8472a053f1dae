"""One case: processes are hurt, then everything has to come to its end and to be right."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.faults.cluster import Cluster
from tests.faults.evidence import collect
from tests.faults.invariants import violations

SETTLE_SECONDS = 90.0


@asynccontextmanager
async def case(cluster: Cluster) -> AsyncIterator[Cluster]:
    """Run the block; afterwards lift the faults, wait for every job's end, check every promise."""
    try:
        yield cluster
        async with asyncio.timeout(SETTLE_SECONDS):
            await cluster.settle()
    finally:
        await cluster.stop()
    assert violations(await collect(cluster.home, cluster.database_url)) == []
    assert not cluster.children.idle_or_training()
