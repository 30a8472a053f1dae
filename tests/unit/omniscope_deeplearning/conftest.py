"""Real trainings of small real data, shared by the tests of this folder."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from omniscope_deeplearning.options import TrainingOptions
from omniscope_deeplearning.spec import TrainSpec
from omniscope_deeplearning.trainer import train
from omniscope_ml.codec import encode
from omniscope_ml.datasets.arrow_file import open_dataset
from omniscope_ml.datasets.ingest import DATA_FILE, ingest
from omniscope_ml.networks.layout import InputLayout
from omniscope_service.jobs.report import JobInput, JobPaths, TrainingOutcome

EXAMPLES = Path(__file__).parents[3] / "examples" / "data"
SOURCES = {
    "penguins": ("penguins.parquet", "parquet", "species"),
    "digits": ("digits8x8.parquet", "parquet", "digit"),
    "tissue": ("tissue7.csv", "csv", "tissue"),
}
DIGITS = InputLayout(kind="image", height=8, width=8, channels=1)
ROWS_OF_PIXELS = InputLayout(kind="sequence", steps=8, channels=8, order="channels_last")


@dataclass
class RecordedReport:
    """Keeps what a trainer reports; `on_epoch` is called when an epoch was measured."""

    on_epoch: Callable[[int], None] = lambda _epoch: None
    progresses: list[tuple[float, str, int, int]] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    checkpoint_steps: list[int] = field(default_factory=list)
    resume: Path | None = None

    def progress(self, percent, phase, completed=0, total=0, eta_seconds=None):
        assert eta_seconds is None or eta_seconds >= 0
        self.progresses.append((percent, phase, completed, total))

    def metric(self, name, value, *, step, split, epoch=0):
        self.metrics.append(
            {"name": name, "value": value, "step": step, "split": split, "epoch": epoch}
        )
        if name == "rows_per_second":
            self.on_epoch(epoch)

    def leaderboard(self, **entry):
        self.entries.append(entry)

    def log(self, text, severity="info"):
        self.lines.append((severity, text))

    def checkpoint(self, files, *, step):
        self.checkpoint_steps.append(step)
        if self.resume is not None:
            for name, path in files.items():
                (self.resume / name).write_bytes(path.read_bytes())


@dataclass(frozen=True)
class Training:
    """A training that has ended, and what it left."""

    spec: TrainSpec
    report: RecordedReport
    outcome: TrainingOutcome
    package: Path

    @property
    def results(self) -> Any:
        return json.loads((self.package / "results.json").read_text())

    @property
    def curves(self) -> Any:
        return json.loads((self.package / "learning_curves.json").read_text())

    @property
    def held_out(self) -> Any:
        (measured,) = self.results["metrics"]
        return measured["values"]

    @property
    def predictions(self) -> Any:
        return pa.ipc.open_file(str(self.package / "predictions.arrow")).read_pandas()

    @property
    def weights(self) -> bytes:
        return (self.package / "payload" / "weights.safetensors").read_bytes()


Train = Callable[..., Training]
MakeSpec = Callable[..., TrainSpec]


def table_input(path):
    """The input that a trainer of networks reads."""
    return JobInput(role="training", kind="dataset", id="d" * 26, path=path)


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The data sets as datasets, by name."""
    files = {}
    for name, (source, kind, _) in SOURCES.items():
        folder = tmp_path_factory.mktemp(name)
        ingest(EXAMPLES / source, kind, folder)
        files[name] = folder / DATA_FILE
    return files


@pytest.fixture
def stored_table(
    tmp_path: Path, stored: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Stores columns as the data set `table`."""

    def store(**columns: Any) -> None:
        pd.DataFrame(columns).to_parquet(tmp_path / "table.parquet")
        ingest(tmp_path / "table.parquet", "parquet", tmp_path)
        monkeypatch.setitem(stored, "table", tmp_path / DATA_FILE)

    return store


@pytest.fixture(scope="session")
def make_spec(stored: dict[str, Path]) -> MakeSpec:
    """Makes a spec for a data set."""

    def make(data: str = "penguins", architecture: str = "mlp", **changes: Any) -> TrainSpec:
        target = changes.pop("target_column", SOURCES[data][2])
        options = {"epochs": 3, **changes.pop("options", {})}
        known = set(changes) & set(TrainSpec.__dataclass_fields__)
        given = {name: changes.pop(name) for name in known}
        assert not changes
        names = open_dataset(stored[data]).column_names
        spec = TrainSpec(
            dataset_id="dataset",
            dataset_digest="0" * 64,
            target_column=target,
            feature_columns=tuple(n for n in names if n not in (target, "sample_id")),
            problem_type="multiclass",
            architecture=architecture,
            job_id="job",
            attempt=1,
            training=TrainingOptions(**options),
        )
        return replace(spec, **given)

    return make


@pytest.fixture(scope="session")
def train_network(tmp_path_factory: pytest.TempPathFactory, stored: dict[str, Path]) -> Train:
    """Trains for real and returns what came of it; its plots only if they are asked for."""

    def run(
        spec: TrainSpec,
        data: str = "penguins",
        report: RecordedReport | None = None,
        resume: Path | None = None,
        *,
        plots: bool = False,
    ) -> Training:
        folder = tmp_path_factory.mktemp("training")
        paths = JobPaths.below(folder, [table_input(stored[data])], resume)
        paths.workspace.mkdir()
        paths.package.mkdir()
        report = report or RecordedReport()
        with pytest.MonkeyPatch.context() as patch:
            if not plots:  # drawing them takes longer than such a training
                patch.setattr("omniscope_deeplearning.results.write_plots", lambda *_: [])
            outcome = train(json.loads(json.dumps(encode(spec))), paths, report)
        return Training(spec, report, outcome, paths.package)

    return run


def quick(values: Iterable[Any], *chosen: Any) -> list[Any]:
    """Return values to try, of which the default tier takes only the chosen ones."""
    slow = pytest.mark.slow
    return [value if value in chosen else pytest.param(value, marks=slow) for value in values]
