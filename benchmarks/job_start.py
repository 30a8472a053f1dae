"""Time from `Train` to the first event sent by training code, with a warm worker."""

import time
from contextlib import closing
from pathlib import Path

from rich.progress import track

from benchmarks.claim import Claim, percentile
from benchmarks.local_suite import running_suite
from benchmarks.size import sized
from benchmarks.trainings import Trainings
from omniscope.automl.v1 import automl_service_pb2

JOBS = sized(20, small=2)
WARM_UP_SECONDS = sized(8.0, small=0.0)
PENGUINS = Path(__file__).parents[1] / "examples" / "data" / "penguins.csv"
TARGET_P50_MS = 150.0
TARGET_P99_MS = 500.0


def measure() -> list[Claim]:
    """Starts jobs one after the other, each on a child that has had the time to become warm."""
    with running_suite() as home, closing(Trainings(home)) as trainings:
        trainings.upload(PENGUINS, "penguins")
        first_event_ms(trainings)
        delays = []
        for _ in track(range(JOBS), "job_start"):
            time.sleep(WARM_UP_SECONDS)
            delays.append(first_event_ms(trainings))
    return [
        Claim.at_most("job_start_p50", percentile(delays, 50), "ms", TARGET_P50_MS),
        Claim.at_most("job_start_p99", percentile(delays, 99), "ms", TARGET_P99_MS),
    ]


def first_event_ms(trainings: Trainings) -> float:
    """Returns the milliseconds from the call to the first event of the training code."""
    request = automl_service_pb2.TrainRequest(
        dataset_id="penguins", target_column="species", included_model_families=["LR"]
    )
    called = time.perf_counter()
    job_id = trainings.train(request)
    for event in trainings.watch(job_id):
        if event.WhichOneof("event") in {"progress", "log_line", "leaderboard_entry"}:
            break
    else:
        raise RuntimeError(f"job {job_id} ended before its training code reported anything")
    delay = (time.perf_counter() - called) * 1000
    trainings.cancel(job_id)
    return delay
