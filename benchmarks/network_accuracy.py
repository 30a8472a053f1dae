"""The networks' held-out scores on real data beside the baselines of the data's catalogue.

Every architecture that suits a data set is trained with defaults, on a GPU where there is one; the
seed also divides the rows.
"""

import dataclasses
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.progress import track

from benchmarks.baselines import MORE_DATA, SEEDS, Baseline, find, judge
from benchmarks.claim import Claim
from benchmarks.size import sized
from omniscope_deeplearning.spec import TrainSpec
from omniscope_deeplearning.trainer import train
from omniscope_ml.codec import encode
from omniscope_ml.datasets.arrow_file import open_dataset
from omniscope_ml.datasets.ingest import DATA_FILE, ingest
from omniscope_ml.networks.layout import InputLayout
from omniscope_ml.training.spec import ProblemType
from omniscope_service.jobs.report import JobInput, JobPaths


@dataclass(frozen=True)
class Task:
    """A data set, and the networks that are tried on it."""

    baseline: Baseline
    problem_type: ProblemType
    architectures: tuple[str, ...]
    layout: InputLayout = dataclasses.field(default_factory=InputLayout)


_SENSORS = InputLayout(kind="sequence", steps=100, channels=6)
_DAY = InputLayout(kind="sequence", steps=24, channels=1)
_PIXELS = InputLayout(kind="image", height=8, width=8, channels=1)
_WIDE = ("mlp", "cnn1d", "transformer")
_TABLE = ("mlp", "transformer")

_PENGUINS = Baseline("penguins", "species", "accuracy", 0.991, 0.007)
TASKS = sized(
    (
        Task(
            Baseline("basic_motions", "activity", "accuracy", 1.000, 0.0),
            "multiclass",
            ("cnn1d", "gru", "transformer"),
            _SENSORS,
        ),
        Task(
            Baseline("italy_power", "season", "accuracy", 0.973, 0.012),
            "binary",
            ("cnn1d", "lstm"),
            _DAY,
        ),
        Task(
            Baseline("digits8x8", "digit", "accuracy", 0.989, 0.005),
            "multiclass",
            ("cnn2d",),
            _PIXELS,
        ),
        Task(Baseline("tissue7", "tissue", "accuracy", 1.000, 0.0), "multiclass", _WIDE),
        Task(Baseline("coffee_ftir", "origin", "accuracy", 1.000, 0.0), "multiclass", _WIDE),
        Task(Baseline("meats_nir", "fat", "r2", 0.960, 0.010), "regression", ("mlp", "cnn1d")),
        # The rest are held against logistic and ridge models: trees suit these tables better.
        Task(Baseline("all_bcrabl", "mol_biol", "accuracy", 0.746, 0.124), "binary", _TABLE),
        Task(Baseline("pbmc68k", "cell_type", "accuracy", 0.843, 0.022), "multiclass", _TABLE),
        Task(Baseline("ad_proteins", "diagnosis", "roc_auc", 0.885, 0.0), "binary", _TABLE),
        Task(_PENGUINS, "multiclass", _TABLE),
        Task(Baseline("credit", "status", "roc_auc", 0.830, 0.0), "binary", _TABLE),
        Task(Baseline("concrete", "strength", "r2", 0.605, 0.024), "regression", _TABLE),
    ),
    small=(Task(_PENGUINS, "multiclass", ("mlp",)),),
)


class Silence:
    """A report that nobody reads."""

    def __getattr__(self, _name: str) -> Any:
        return lambda *_, **__: None


def claims() -> Iterator[Claim]:
    """Trains every data set that is at hand with every network that suits it."""
    for task in TASKS:
        path = find(task.baseline.name)
        if path is None:
            print(f"network_accuracy: {task.baseline.name} left out, it is not in {MORE_DATA}")
            continue
        for architecture in task.architectures:
            yield compare(task, architecture, path)


def compare(task: Task, architecture: str, path: Path) -> Claim:
    """Returns the claim about one network on one data set."""
    name = f"accuracy_{task.baseline.name}_{architecture}"
    scores = [score(task, architecture, path, seed) for seed in track(SEEDS, name)]
    return dataclasses.replace(judge(task.baseline, scores), name=name)


def score(task: Task, architecture: str, path: Path, seed: int) -> float:
    """Returns the held-out score of one training."""
    with tempfile.TemporaryDirectory() as folder:
        ingest(path, path.suffix[1:], Path(folder))
        table = JobInput(role="training", kind="dataset", id="", path=Path(folder) / DATA_FILE)
        paths = JobPaths.below(Path(folder), [table])
        paths.workspace.mkdir()
        paths.package.mkdir()
        names = open_dataset(paths.dataset).column_names
        train(encode(spec_of(task, architecture, names, seed)), paths, Silence())
        results = json.loads((paths.package / "results.json").read_text())
    return float(results["metrics"][0]["values"][task.baseline.metric])


def spec_of(task: Task, architecture: str, names: Sequence[str], seed: int) -> TrainSpec:
    """Returns the request, with defaults for all but the layout."""
    others = (task.baseline.target, "sample_id")
    regression = task.problem_type == "regression"
    return TrainSpec(
        dataset_id=task.baseline.name,
        dataset_digest="0" * 64,
        target_column=task.baseline.target,
        feature_columns=tuple(n for n in names if n not in others),
        problem_type=task.problem_type,
        architecture=architecture,
        job_id="benchmark",
        attempt=1,
        input_layout=task.layout if architecture != "mlp" else InputLayout(),
        split_strategy="random" if regression else "stratified",
        split_seed=seed,
        seed=seed,
        accelerator="gpu" if torch.cuda.is_available() else "cpu",
    )
