"""`Train` to SUCCEEDED on a warm worker against a fresh script that fits the same rows likewise.

The script gets the suite's own training rows and settings, so both search the same candidates. The
suite also holds rows out, scores, packages, verifies and registers; the script does none of it.
"""

import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from rich.progress import track

from benchmarks.claim import Claim
from benchmarks.local_suite import running_suite
from benchmarks.size import sized
from benchmarks.trainings import Trainings
from omniscope.automl.v1 import automl_service_pb2

ROUNDS = sized(5, small=1)
WARM_UP_SECONDS = sized(10.0, small=0.0)
FAMILIES = sized(["GBM", "RF", "LR"], small=["LR"])
TIME_LIMIT_SECONDS = 600
TISSUE7 = Path(__file__).parents[1] / "examples" / "data" / "tissue7.csv"
FRESH_SCRIPT = Path(__file__).with_name("fresh_autogluon.py")


def measure() -> list[Claim]:
    """Runs both sides turn by turn."""
    with (
        tempfile.TemporaryDirectory(prefix="omniscope-bench-") as folder,
        running_suite() as home,
        closing(Trainings(home)) as trainings,
    ):
        trainings.upload(TISSUE7, "tissues")
        train_through_suite(trainings)
        rows = training_rows(home, Path(folder))
        ours, theirs, scores = [], [], set()
        for _ in track(range(ROUNDS), "automl_overhead"):
            time.sleep(WARM_UP_SECONDS)
            seconds, score = train_through_suite(trainings)
            ours.append(seconds)
            scores.add(score)
            time.sleep(WARM_UP_SECONDS)  # the next child imports its libraries meanwhile
            seconds, score = train_fresh(rows)
            theirs.append(seconds)
            scores.add(score)
    ratio = statistics.median(own / other for own, other in zip(ours, theirs, strict=True))
    same = len(scores) == 1
    return [
        Claim(
            name="automl_overhead",
            ours=f"{statistics.median(ours):.2f} s",
            theirs=f"{statistics.median(theirs):.2f} s, validation scores {sorted(scores)}",
            ratio=ratio,
            target="<= 1.0 and the same validation score",
            passed=ratio <= 1.0 and same,
        )
    ]


def train_through_suite(trainings: Trainings) -> tuple[float, float]:
    """Returns seconds and the best validation score of a training through the suite."""
    request = automl_service_pb2.TrainRequest(
        dataset_id="tissues",
        target_column="tissue",
        time_limit=TIME_LIMIT_SECONDS,
        included_model_families=FAMILIES,
    )
    started = time.perf_counter()
    job_id = trainings.train(request)
    for _ in trainings.watch(job_id):
        pass
    seconds = time.perf_counter() - started
    results = trainings.finish(job_id)
    return seconds, round(results.leaderboard[0].score_validation, 6)


def training_rows(home: Path, folder: Path) -> Path:
    """Writes the rows that the suite trained on, without the sample id, as a CSV of their own."""
    import pyarrow.ipc

    [package] = (home / "artifacts" / "jobs").glob("*/attempts/*/package")
    held_out = set(
        pyarrow.ipc.open_file(str(package / "predictions.arrow")).read_all()["row"].to_pylist()
    )
    rows = folder / "train.csv"
    with TISSUE7.open(newline="") as source, rows.open("w", newline="") as target:
        writer = csv.writer(target)
        for number, row in enumerate(csv.reader(source), start=-1):
            if number not in held_out:
                writer.writerow(row[1:])
    return rows


def train_fresh(rows: Path) -> tuple[float, float]:
    """Returns seconds and the best validation score of a fresh script."""
    settings = {"rows": str(rows), "families": FAMILIES, "time_limit": TIME_LIMIT_SECONDS}
    started = time.perf_counter()
    finished = subprocess.run(
        [sys.executable, FRESH_SCRIPT, json.dumps(settings)],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - started
    return seconds, round(float(finished.stdout.splitlines()[-1]), 6)
