"""From a stored dataset to a float32 matrix, against Parquet read to the same matrix."""

import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.claim import Claim
from benchmarks.size import sized
from omniscope_ml.datasets.arrow_file import open_dataset
from omniscope_ml.datasets.ingest import DATA_FILE, ingest

ROWS = sized(1_000, small=10)
COLUMNS = sized(20_000, small=200)
ROUNDS = sized(5, small=1)
TARGET = 20.0

Matrix = npt.NDArray[np.floating]


def measure() -> list[Claim]:
    """Opens both turn by turn, and sums up: a file that is open is not yet read."""
    with tempfile.TemporaryDirectory(prefix="omniscope-bench-") as name:
        folder = Path(name)
        parquet = folder / "genes.parquet"
        pq.write_table(genes(), parquet)
        ingest(parquet, "parquet", folder)
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(ROUNDS):
            ours.append(timed(partial(from_store, folder / DATA_FILE)))
            theirs.append(timed(partial(from_parquet, parquet)))
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    return [
        Claim(
            name="dataset_open",
            ours=f"{statistics.median(ours) * 1000:.0f} ms",
            theirs=f"Parquet {statistics.median(theirs) * 1000:.0f} ms",
            ratio=ratio,
            target=f">= {TARGET:g} times faster",
            passed=ratio >= TARGET,
        )
    ]


def genes() -> pa.Table:
    """Returns a float32 table of random values."""
    values = np.random.default_rng(0).normal(size=(COLUMNS, ROWS)).astype(np.float32)
    columns = [pa.array(column) for column in values]
    return pa.Table.from_arrays(columns, names=[f"gene{i}" for i in range(COLUMNS)])


def from_store(path: Path) -> Matrix:
    """Opens the stored form as training does."""
    return open_dataset(path).matrix()


def from_parquet(path: Path) -> Matrix:
    """Reads Parquet as most scripts do."""
    return pq.read_table(path).to_pandas().to_numpy(dtype=np.float32)


def timed(read: Callable[[], Matrix]) -> float:
    """Returns the seconds until a matrix is there and every value was read once."""
    started = time.perf_counter()
    matrix = read()
    assert matrix.dtype == np.float32
    assert matrix.shape == (ROWS, COLUMNS)
    matrix.sum(dtype=np.float64)
    return time.perf_counter() - started
