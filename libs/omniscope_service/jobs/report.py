"""The job runtime as a trainer sees it. Imported in the child: standard library only."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

Severity = Literal["debug", "info", "warning", "error"]


class Report(Protocol):
    """Reports of the training code to the watchers of a job.

    Every call reaches them within milliseconds. Values that are not finite are not sent: an
    undefined metric is absent, never NaN.
    """

    def progress(
        self,
        percent: float,
        phase: str,
        completed: int = 0,
        total: int = 0,
        eta_seconds: float | None = None,
    ) -> None:
        """Say how far the work is.

        Args:
            percent: 0 to 100. It never falls: a smaller value than before is sent as the last one.
            phase: What is done now, for example `training LightGBM`.
            completed: Units of work done, for example models.
            total: Units of work in all; 0 when unknown.
            eta_seconds: Estimated seconds left; None when unknown.
        """
        ...

    def metric(self, name: str, value: float, *, step: int, split: str, epoch: int = 0) -> None:
        """Report a measured value.

        Args:
            name: Metric, for example `accuracy`.
            value: Its value.
            step: Step on the job's own axis, from 0.
            split: Rows that it was measured on: `train`, `validation` or `test`.
            epoch: Epoch, from 0; 0 where the method has none.
        """
        ...

    def leaderboard(
        self,
        *,
        model: str,
        metric: str,
        score_validation: float,
        score_test: float | None = None,
        fit_seconds: float,
        prediction_seconds: float,
        stack_level: int = 1,
        rank: int,
    ) -> None:
        """Report a trained candidate; the fields are those of `LeaderboardEntry`."""
        ...

    def log(self, text: str, severity: Severity = "info") -> None:
        """Show a line to whoever watches the job."""
        ...

    def checkpoint(self, files: Mapping[str, Path], *, step: int) -> None:
        """Store a state that another attempt resumes from should this one be lost.

        Returns when the files are copied; they are sent to the artifact store while the training
        goes on. Files that are as they were at the last checkpoint cost nothing. A disk that is
        full costs the checkpoint, not the training.

        Args:
            files: What to store, by the path that it has below `JobPaths.resume` later.
            step: Step on the job's own axis, from 0.
        """
        ...


InputKind = Literal["dataset", "model"]


@dataclass(frozen=True, slots=True)
class JobInput:
    """Something that a job reads, verified and read-only.

    Attributes:
        role: What the job reads it for, for example `training`.
        kind: Kind of input.
        id: Its id in the registry.
        path: A dataset's Arrow file, or the folder of a model package. Inputs with the same
            content share it.
    """

    role: str
    kind: InputKind
    id: str
    path: Path


@dataclass(frozen=True, slots=True)
class JobPaths:
    """Where a trainer finds and leaves files.

    Attributes:
        inputs: What the job reads, in its order.
        workspace: An empty folder of its own, removed after the attempt.
        package: An empty folder for the result, a model package or an artifact; `manifest.json` is
            written last.
        checkpoints: Where `Report.checkpoint` copies files to; nothing else writes there.
        resume: The files of the newest checkpoint of an earlier attempt; None when there is none
            and the training starts from nothing.
    """

    inputs: tuple[JobInput, ...]
    workspace: Path
    package: Path
    checkpoints: Path
    resume: Path | None

    @classmethod
    def below(
        cls, folder: Path, inputs: Iterable[JobInput], resume: Path | None = None
    ) -> "JobPaths":
        """Return the paths of an attempt whose own folders lie below `folder`."""
        return cls(
            inputs=tuple(inputs),
            workspace=folder / "workspace",
            package=folder / "package",
            checkpoints=folder / "checkpoints",
            resume=resume,
        )

    @property
    def dataset(self) -> Path:
        """The one dataset of a job that has no other.

        Raises:
            ValueError: It has none or several; those are found by their role.
        """
        datasets = [given for given in self.inputs if given.kind == "dataset"]
        if len(datasets) != 1:
            raise ValueError(f"the job has {len(datasets)} datasets, not one")
        return datasets[0].path

    def inputs_as(self, role: str) -> list[JobInput]:
        """Return the inputs with a role, in the job's order."""
        return [given for given in self.inputs if given.role == role]

    def to_dict(self) -> dict[str, Any]:
        """Return a form for JSON; `from_dict` reads it."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str))
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "JobPaths":
        """Read what `to_dict` returned."""
        own = {name: path and Path(path) for name, path in values.items() if name != "inputs"}
        given = (JobInput(**{**given, "path": Path(given["path"])}) for given in values["inputs"])
        return cls(inputs=tuple(given), **own)


class LostProcessError(Exception):
    """A process that a training has started died: a crash, after which another attempt may follow.

    The message says which process and how, as part of a sentence.
    """


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """How a training that wrote its package ended.

    Attributes:
        stopped_early: True when a limit cut the work short and the best result so far was kept.
    """

    stopped_early: bool
