"""Keeps what a search has finished, so that an attempt that follows need not train it again.

AutoGluon cannot go on with a fit that was interrupted: `TabularPredictor.fit` in the same folder
fits every model again, and `fit_extra` knows neither the bagging nor the stacking of the fit
before. Here the very same fit is made once more, and each model that an earlier attempt has
finished is handed to AutoGluon where it would be fitted.
"""

import json
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omniscope_automl.engine_versions import worker_versions

if TYPE_CHECKING:
    from autogluon.core.models import AbstractModel
    from autogluon.tabular.trainer.abstract_trainer import AbstractTabularTrainer

    from omniscope_service.jobs.report import Report

SEARCHED_STACK = "core"
"""AutoGluon's name for the models proper; those of the others ("aux1", ...) are ensembles of them,
which take no time and depend on which models there are."""
_STATE_FILE = "search.json"
_LEAST_SECONDS = 10.0


@dataclass(frozen=True)
class EarlierSearch:
    """The part of a search that earlier attempts have done.

    Attributes:
        folder: Where their models are, under the paths that they had in AutoGluon's folder; None
            when nothing was done before.
        models: Paths of the finished models by name.
        seconds: How long they have searched.
        stack_levels: How many levels of stacking they found to help; None when they did not get
            that far.
    """

    folder: Path | None = None
    models: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    stack_levels: int | None = None

    @classmethod
    def read(cls, resume: Path | None, report: "Report") -> "EarlierSearch":
        """Read a checkpoint; one made with other versions of the engines counts as none."""
        if resume is None:
            return cls()
        state = json.loads((resume / _STATE_FILE).read_text())
        versions = state.get("versions", {})
        if differing := versions.items() ^ worker_versions().items():
            names = ", ".join(sorted({name for name, _ in differing}))
            report.log(
                f"This worker starts over: the models of the earlier attempt were made with other "
                f"versions of {names}.",
                "warning",
            )
            return cls()
        return cls(resume, state["models"], state["seconds"], state["stack_levels"])

    def stacking_arguments(self) -> dict[str, Any]:
        """Return what spares AutoGluon to find out once more whether stacking helps."""
        if self.stack_levels is None:
            return {}
        return {"dynamic_stacking": False, "num_stack_levels": self.stack_levels}

    def seconds_left(self, time_limit: float) -> float:
        """Return how long the search may still take; enough to put together what is finished."""
        return max(time_limit - self.seconds, _LEAST_SECONDS)


class FinishedModels:
    """Stores each model as soon as it is finished and gives back those of earlier attempts.

    Args:
        earlier: What earlier attempts have done.
        report: Takes the checkpoints.
        workspace: Where the state of the search is written before it is stored.
    """

    def __init__(self, earlier: EarlierSearch, report: "Report", workspace: Path) -> None:
        self._earlier = earlier
        self._report = report
        self._state_file = workspace / _STATE_FILE
        self._started = time.monotonic()
        self._stack_levels = earlier.stack_levels
        # Also those that this attempt has not come to yet: should it be lost before, they are not.
        self._paths = dict(earlier.models)

    def plan(self, stack_levels: int) -> None:
        """Note how many levels of stacking the search was found to need."""
        self._stack_levels = stack_levels

    def restore(
        self, trainer: "AbstractTabularTrainer", model: "AbstractModel", stack_name: str
    ) -> bool:
        """Make a model's fit return the finished one; return whether there is one."""
        path = self._earlier.models.get(model.name)
        if path is None or self._earlier.folder is None or stack_name != SEARCHED_STACK:
            return False
        shutil.copytree(self._earlier.folder / path, Path(trainer.path, path), dirs_exist_ok=True)
        finished = type(model).load(path=str(Path(trainer.path, path)), reset_paths=True)
        self._report.log(f"{model.name} was finished by an earlier attempt and is kept.")

        def fit(**_: Any) -> "AbstractModel":
            return finished

        model.fit = fit
        return True

    def keep(
        self, trainer: "AbstractTabularTrainer", model_names: list[str], stack_name: str
    ) -> None:
        """Store what is finished now, together with all that was finished before."""
        added = [name for name in model_names if name not in self._earlier.models]
        if stack_name != SEARCHED_STACK or not added:
            return
        for name in added:
            self._paths[name] = Path(trainer.get_model_attribute(name, "path")).as_posix()
        self._state_file.write_text(json.dumps(self._state()))
        files = {_STATE_FILE: self._state_file}
        for name, model_path in self._paths.items():
            folder = self._root(name, trainer) / model_path
            files |= {
                f"{model_path}/{path.relative_to(folder).as_posix()}": path
                for path in sorted(folder.rglob("*"))
                if path.is_file()
            }
        self._report.checkpoint(files, step=len(self._paths))

    def _root(self, name: str, trainer: "AbstractTabularTrainer") -> Path:
        """Return the folder that a model's path starts from."""
        if name in self._earlier.models and self._earlier.folder is not None:
            return self._earlier.folder
        return Path(trainer.path)

    def _state(self) -> dict[str, Any]:
        return {
            "versions": worker_versions(),
            "models": self._paths,
            "seconds": self._earlier.seconds + time.monotonic() - self._started,
            "stack_levels": self._stack_levels,
        }
