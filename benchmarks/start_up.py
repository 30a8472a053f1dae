"""How long `omniscope up` takes until every service is SERVING, and what the idle suite weighs."""

import statistics
import time

import psutil

from benchmarks.claim import Claim
from benchmarks.local_suite import running_suite, state
from benchmarks.size import sized

ROUNDS = sized(3, small=1)
TARGET_SECONDS = 8.0
TARGET_SUITE_MB = 1200.0
TARGET_API_MB = 100.0
API_PROCESSES = ("registry", "automl", "deeplearning")


def measure() -> list[Claim]:
    """Starts and stops the suite a few times in fresh homes."""
    seconds: list[float] = []
    weights: dict[str, float] = {}
    for _ in range(ROUNDS):
        started = time.perf_counter()
        with running_suite() as home:
            seconds.append(time.perf_counter() - started)
            weights = {name: resident_mb(part["pid"]) for name, part in state(home).items()}
    heaviest = max(weights[name] for name in API_PROCESSES)
    parts = ", ".join(f"{name} {weight:.0f}" for name, weight in weights.items())
    return [
        Claim.at_most("start_up", statistics.median(seconds), "s", TARGET_SECONDS),
        Claim.at_most("start_up_memory", sum(weights.values()), "MB", TARGET_SUITE_MB, parts),
        Claim.at_most("start_up_api_memory", heaviest, "MB", TARGET_API_MB),
    ]


def resident_mb(pid: object) -> float:
    """Returns the resident memory of a process and its children in MB."""
    process = psutil.Process(int(str(pid)))
    family = [process, *process.children(recursive=True)]
    return sum(member.memory_info().rss for member in family) / 1e6
