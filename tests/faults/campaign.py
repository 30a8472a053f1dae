"""Kills processes at random and counts what is lost: `make faults`, or with SEED= and KILLS=."""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from rich.progress import track

from omniscope_service.testing.tokens import write_tokens
from tests.faults.cluster import Cluster
from tests.faults.invariants import violations

FAILPOINTS = {
    "registry": (
        "submit.before_commit", "submit.after_commit", "relay.before_publish",
        "relay.after_publish", "claim.after_commit", "complete.before_commit",
        "complete.after_commit",
    ),
    "worker": (
        "worker.after_fetch", "worker.after_claim", "worker.after_ack", "package.after_upload"
    ),
}  # fmt: skip
KINDS = ("registry", "nats", "worker1", "worker2", "child")


async def campaign(seed: int, kills: int) -> int:
    """Print what became of the jobs; return how many promises were broken."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="omniscope-faults-") as folder:
        home = Path(folder) / "home"
        write_tokens(home)
        cluster = Cluster(home)
        try:
            await cluster.start(workers=2)
            recoveries = [await _hurt(cluster, chance) for _ in track(range(kills), "kills")]
            for job_id in sorted(cluster.acknowledged):
                await cluster.ended(job_id)
        finally:
            await cluster.stop()
        broken = violations(home / "registry.db", cluster.acknowledged)
        surviving = len(cluster.children())
        stale = sum(log.read_text().count("STALE_ATTEMPT") for log in home.glob("registry.log"))
    _print(seed, kills, cluster, broken, surviving, stale, sorted(recoveries))
    return len(broken) + surviving


async def _hurt(cluster: Cluster, chance: random.Random) -> float:
    """Kill something while jobs run; return how long a job that is submitted then takes."""
    await cluster.submit(seconds=chance.uniform(0, 1.5))
    await asyncio.sleep(chance.uniform(0, 1))
    _kill(cluster, chance)
    started = time.monotonic()
    await cluster.ended(await cluster.submit())
    return time.monotonic() - started


def _kill(cluster: Cluster, chance: random.Random) -> None:
    kind = chance.choice(KINDS)
    if kind == "child":
        for child in cluster.children()[:1]:
            child.kill()
        return
    places = FAILPOINTS.get(kind.rstrip("12"), ())
    if places and chance.random() < 0.5:
        # Started again with a failpoint, it dies once more, at that place.
        cluster.kill(kind)
        cluster.launch(kind, f"{chance.choice(places)}=kill")
    else:
        cluster.kill(kind)


def _print(
    seed: int,
    kills: int,
    cluster: Cluster,
    broken: list[str],
    surviving: int,
    stale: int,
    recoveries: list[float],
) -> None:
    lost = sum("is lost" in line for line in broken)
    double = sum("has ended at" in line for line in broken)
    print(f"seed {seed}: {kills} kills, {len(cluster.acknowledged)} jobs")
    print(f"lost {lost}, double terminals {double}, other broken promises "
          f"{len(broken) - lost - double}, surviving children {surviving}, "
          f"stale writes refused {stale}")  # fmt: skip
    print(
        f"recovery p50 {recoveries[len(recoveries) // 2]:.1f} s, "
        f"p99 {recoveries[int(0.99 * len(recoveries))]:.1f} s"
    )
    for line in broken:
        print(f"  {line}")


def main() -> None:
    """Run one campaign; the exit status says whether every promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=200)
    arguments = parser.parse_args()
    sys.exit(min(asyncio.run(campaign(arguments.seed, arguments.kills)), 1))


if __name__ == "__main__":
    main()
