"""AutoML's held-out scores on real data beside the baselines of the data's catalogue.

Where one class is rare (ad_proteins, credit) ROC AUC is compared: accuracy says little there.
"""

from collections.abc import Iterator
from contextlib import closing

from rich.progress import track

from benchmarks.baselines import MORE_DATA, SEEDS, Baseline, find, judge
from benchmarks.claim import Claim
from benchmarks.local_suite import running_suite
from benchmarks.size import sized
from benchmarks.trainings import Trainings
from omniscope.automl.v1 import automl_service_pb2

TIME_LIMIT_SECONDS = sized(60, small=10)

_PENGUINS = Baseline("penguins", "species", "accuracy", 0.991, 0.007)
BASELINES = sized(
    (
        Baseline("tissue7", "tissue", "accuracy", 1.000, 0.000),
        Baseline("ad_proteins", "diagnosis", "roc_auc", 0.885, 0.0),
        _PENGUINS,
        Baseline("credit", "status", "roc_auc", 0.830, 0.0),
        Baseline("concrete", "strength", "r2", 0.905, 0.009),
    ),
    small=(_PENGUINS,),
)


def claims() -> Iterator[Claim]:
    """Trains every data set that is at hand with five seeds."""
    with running_suite() as home, closing(Trainings(home)) as trainings:
        for baseline in BASELINES:
            path = find(baseline.name)
            if path is None:
                print(f"automl_accuracy: {baseline.name} left out, it is not in {MORE_DATA}")
                continue
            trainings.upload(path, baseline.name)
            yield judge(baseline, score_seeds(trainings, baseline))


def score_seeds(trainings: Trainings, baseline: Baseline) -> list[float]:
    """Returns the held-out score for every seed; the seed also divides the rows."""
    scores = []
    for seed in track(SEEDS, f"automl_accuracy: {baseline.name}"):
        request = automl_service_pb2.TrainRequest(
            dataset_id=baseline.name,
            target_column=baseline.target,
            time_limit=TIME_LIMIT_SECONDS,
            seed=seed,
        )
        results = trainings.finish(trainings.train(request))
        held_out = next(part for part in results.metrics if part.split == "test")
        scores.append(held_out.values[baseline.metric])
    return scores
