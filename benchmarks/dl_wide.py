"""How long networks take with defaults on 79 leukaemias, each with 12,625 genes."""

import time
from collections.abc import Iterator

from benchmarks.baselines import MORE_DATA, Baseline
from benchmarks.claim import Claim
from benchmarks.network_accuracy import Task, score

TASK = Task(
    Baseline("all_bcrabl", "mol_biol", "accuracy", 0.746, 0.124),
    "binary",
    ("mlp", "cnn1d", "transformer"),
)
SEED = 0
LIMIT_SECONDS = 60.0


def measure() -> Iterator[Claim]:
    """Trains each network that suits wide data once, from the Parquet file to its package."""
    path = MORE_DATA / f"{TASK.baseline.name}.parquet"
    if not path.exists():
        print(f"dl_wide: {TASK.baseline.name} left out, it is not in {MORE_DATA}")
        return
    for architecture in TASK.architectures:
        started = time.monotonic()
        accuracy = score(TASK, architecture, path, SEED)
        seconds = time.monotonic() - started
        detail = f"held-out accuracy {accuracy:.2f}"
        yield Claim.at_most(f"dl_wide_{architecture}", seconds, "s", LIMIT_SECONDS, detail)
