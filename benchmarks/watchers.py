"""Watches one job many times over one channel: `python -m benchmarks.watchers ADDRESS JOB COUNT`.

The user's token comes on stdin. Says `ready` when every watch stands, and at the job's end how old
every metric point was at its arrival, in ms by step, watch by watch, as JSON.
"""

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING

import grpc.aio

from omniscope.common.v1.job_event_pb2 import WatchRequest
from omniscope.registry.v1.job_service_pb2_grpc import JobServiceStub

if TYPE_CHECKING:
    from omniscope.registry.v1.job_service_pb2_grpc import JobServiceAsyncStub

DEADLINE_SECONDS = 150


async def main(address: str, job_id: str, count: int, token: str) -> None:
    """Prints what `count` watches saw."""
    standing = asyncio.Semaphore(0)
    async with grpc.aio.insecure_channel(address) as channel:
        jobs = JobServiceStub(channel)
        watches = [
            asyncio.create_task(ages_ms(jobs, job_id, token, standing)) for _ in range(count)
        ]
        for _ in range(count):
            await standing.acquire()
        print("ready", flush=True)
        print(json.dumps(await asyncio.gather(*watches)), flush=True)


async def ages_ms(
    jobs: "JobServiceAsyncStub", job_id: str, token: str, standing: asyncio.Semaphore
) -> dict[int, float]:
    """Returns the age of each metric point at its arrival by its step."""
    ages = {}
    metadata = (("authorization", f"Bearer {token}"),)
    call = jobs.WatchJob(WatchRequest(job_id=job_id), metadata=metadata, timeout=DEADLINE_SECONDS)
    async for event in call:
        if event.HasField("metric"):
            ages[event.metric.step] = 1000 * (time.monotonic() - event.metric.value)
        elif event.HasField("snapshot"):
            standing.release()
    return ages


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.stdin.readline().strip()))
