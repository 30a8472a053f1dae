"""How long networks take with defaults on 79 leukaemias, each with 12,625 genes.

In the small size they are the tissues that are shipped.
"""

import time
from collections.abc import Iterator

from benchmarks.baselines import MORE_DATA, Baseline, find
from benchmarks.claim import Claim
from benchmarks.network_accuracy import Task, score
from benchmarks.size import sized

TASK = sized(
    Task(
        Baseline("all_bcrabl", "mol_biol", "accuracy", 0.746, 0.124),
        "binary",
        ("mlp", "cnn1d", "transformer"),
    ),
    small=Task(Baseline("tissue7", "tissue", "accuracy", 1.000, 0.0), "multiclass", ("mlp",)),
)
SEED = 0
LIMIT_SECONDS = 60.0


def measure() -> Iterator[Claim]:
    """Trains each network that suits wide data once, from the Parquet file to its package."""
    path = find(TASK.baseline.name)
    if path is None:
        print(f"dl_wide: {TASK.baseline.name} left out, it is not in {MORE_DATA}")
        return
    for architecture in TASK.architectures:
        started = time.monotonic()
        accuracy = score(TASK, architecture, path, SEED)
        seconds = time.monotonic() - started
        detail = f"held-out accuracy {accuracy:.2f}"
        yield Claim.at_most(f"dl_wide_{architecture}", seconds, "s", LIMIT_SECONDS, detail)
