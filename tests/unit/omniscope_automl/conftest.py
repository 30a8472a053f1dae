"""A small table and a real training of it, shared by the tests of this folder."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from omniscope_automl.spec import TrainSpec
from omniscope_automl.trainer import train
from omniscope_ml.codec import encode
from omniscope_service.jobs.report import JobInput, JobPaths, TrainingOutcome
from tests.unit.penguins import FEATURES, penguins, store_frame

SPEC = TrainSpec(
    dataset_id="dataset",
    dataset_digest="0" * 64,
    target_column="species",
    feature_columns=FEATURES,
    problem_type="multiclass",
    positive_class=None,
    time_limit=60,
    quality="medium_quality",
    key_column="sample_id",
    weight_column=None,
    split_strategy="stratified",
    test_fraction=0.2,
    split_seed=0,
    seed=0,
    eval_metric="accuracy",
    included_model_families=("KNN", "LR"),
    excluded_model_families=(),
    job_id="job",
    attempt=1,
)


@dataclass
class RecordedReport:
    """Keeps what a trainer reports."""

    progresses: list[tuple[float, str, int, int]] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    checkpoints: list[int] = field(default_factory=list)

    def progress(self, percent, phase, completed=0, total=0, eta_seconds=None):
        assert eta_seconds is None or eta_seconds >= 0
        self.progresses.append((percent, phase, completed, total))

    def metric(self, name, value, *, step, split, epoch=0):
        self.metrics.append({"name": name, "value": value, "step": step, "split": split})

    def leaderboard(self, **entry):
        self.entries.append(entry)

    def log(self, text, severity="info"):
        self.lines.append((severity, text))

    def checkpoint(self, files, *, step):
        self.checkpoints.append(step)


@dataclass(frozen=True)
class Training:
    """A training that has ended, and what it left."""

    spec: TrainSpec
    frame: pd.DataFrame
    report: RecordedReport
    outcome: TrainingOutcome
    package: Path


Store = Callable[[pd.DataFrame], Path]
Train = Callable[..., Training]


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Stores a frame as a dataset and returns its file."""
    return lambda frame: store_frame(frame, tmp_path_factory.mktemp("dataset"))


@pytest.fixture(scope="session")
def train_model(tmp_path_factory: pytest.TempPathFactory, store: Store) -> Train:
    """Trains for real and returns what came of it; its plots only if they are asked for."""

    def train_frame(
        spec: TrainSpec = SPEC,
        frame: pd.DataFrame | None = None,
        report: RecordedReport | None = None,
        resume: Path | None = None,
        *,
        plots: bool = False,
    ) -> Training:
        table = penguins() if frame is None else frame
        folder = tmp_path_factory.mktemp("training")
        given = JobInput(role="training", kind="dataset", id="d" * 26, path=store(table))
        paths = JobPaths.below(folder, [given], resume)
        paths.workspace.mkdir()
        paths.package.mkdir()
        report = report or RecordedReport()
        with pytest.MonkeyPatch.context() as patch:
            if not plots:  # drawing them takes longer than such a search
                patch.setattr("omniscope_automl.results.write_plots", lambda *_: [])
            outcome = train(encode(spec), paths, report)
        return Training(spec, table, report, outcome, paths.package)

    return train_frame


@pytest.fixture(scope="session")
def training(train_model: Train) -> Training:
    """One small classification, trained for real."""
    return train_model(plots=True)
