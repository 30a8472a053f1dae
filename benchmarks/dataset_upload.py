"""Uploads and registers a 200 x 20,000 CSV, against `pyarrow.csv.read_csv` of the same file."""

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from benchmarks.claim import Claim
from benchmarks.local_suite import running_suite, state
from benchmarks.size import sized
from omniscope_client.client import Client

ROWS = sized(200, small=10)
COLUMNS = sized(20_000, small=200)
ROUNDS = sized(3, small=1)
TARGET = 2.5


def measure() -> list[Claim]:
    """Uploads a new file in each round: the same bytes would be stored and profiled only once."""
    ours: list[float] = []
    theirs: list[float] = []
    with running_suite() as home, tempfile.TemporaryDirectory() as name:
        path = Path(name) / "genes.csv"
        token = (home / "token").read_text().strip()
        with Client(str(state(home)["gateway"]["address"]), token) as client:
            for number in range(ROUNDS):
                write(path, seed=number)
                theirs.append(read_alone(path))
                ours.append(upload(client, path))
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    return [
        Claim(
            name="dataset_upload",
            ours=f"{statistics.median(ours):.2f} s",
            theirs=f"read_csv {statistics.median(theirs):.2f} s",
            ratio=ratio,
            target=f"<= {TARGET:g}",
            passed=ratio <= TARGET,
        )
    ]


def write(path: Path, seed: int) -> None:
    """Writes random values; about 41 MB in the whole size."""
    values = np.random.default_rng(seed).normal(size=(COLUMNS, ROWS)).round(7)
    columns = [pa.array(column) for column in values]
    table = pa.Table.from_arrays(columns, names=[f"gene{i}" for i in range(COLUMNS)])
    pyarrow.csv.write_csv(table, path)


def read_alone(path: Path) -> float:
    """Returns the seconds that pyarrow takes with its defaults."""
    started = time.perf_counter()
    table = pyarrow.csv.read_csv(path)
    assert table.num_columns == COLUMNS
    return time.perf_counter() - started


def upload(client: Client, path: Path) -> float:
    """Returns the seconds until the dataset is registered with its profile."""
    started = time.perf_counter()
    dataset = client.datasets.upload(path)
    assert (dataset.row_count, dataset.column_count) == (ROWS, COLUMNS)
    return time.perf_counter() - started
