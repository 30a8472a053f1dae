"""Keeps everything that an interrupted training needs to go on exactly: no pickle, no guesses."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from omniscope_deeplearning.module import Learner
from omniscope_deeplearning.spec import TrainSpec
from omniscope_deeplearning.state import State
from omniscope_ml.codec import decode, encode

if TYPE_CHECKING:
    from omniscope_service.jobs.report import Report

_TENSORS = "state.safetensors"
_BEST = "best.safetensors"
_STATE = "state.json"

_NETWORK = "network."
_OPTIMIZER = "optimizer."


@dataclass(frozen=True)
class Checkpoint:
    """A training as it was left.

    Attributes:
        state: Where it stood.
        tensors: Weights, and what the optimizer knew.
        best: Weights of the best epoch; None before the first.
    """

    state: State
    tensors: Mapping[str, Tensor]
    best: Mapping[str, Tensor] | None

    @classmethod
    def read(cls, resume: Path | None, spec: TrainSpec, report: "Report") -> "Checkpoint | None":
        """Read what an earlier attempt left; one of another version or request counts as none."""
        if resume is None:
            return None
        values = json.loads((resume / _STATE).read_text(encoding="utf-8"))
        if values["made_by"] != _made_by(spec):
            report.log(
                "The checkpoint of the earlier attempt is of another request or of another "
                "version of torch or of the suite; the training starts over.",
                "warning",
            )
            return None
        best = resume / _BEST
        return cls(
            state=decode(State, values["state"]),
            tensors=load_file(resume / _TENSORS),
            best=load_file(best) if best.exists() else None,
        )

    def restore(self, learner: Learner) -> None:
        """Give network and optimizer back what they had."""
        learner.network.load_state_dict(_under(_NETWORK, self.tensors))
        groups = learner.optimizer.state_dict()["param_groups"]
        known: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _under(_OPTIMIZER, self.tensors).items():
            number, key = name.split(".")
            known.setdefault(int(number), {})[key] = tensor
        learner.optimizer.load_state_dict({"state": known, "param_groups": groups})


class Checkpoints:
    """Writes checkpoints of a training.

    Args:
        folder: An empty folder of its own.
        spec: What was asked for.
        report: Stores them.
    """

    def __init__(self, folder: Path, spec: TrainSpec, report: "Report") -> None:
        folder.mkdir(exist_ok=True)
        self._folder, self._spec, self._report = folder, spec, report

    def write(self, learner: Learner, best: Mapping[str, Tensor] | None) -> None:
        """Store where a training stands."""
        tensors = {_NETWORK + name: t for name, t in learner.network.state_dict().items()}
        for number, known in learner.optimizer.state_dict()["state"].items():
            tensors |= {f"{_OPTIMIZER}{number}.{key}": t for key, t in known.items()}
        save_weights(self._folder / _TENSORS, tensors)
        if best is not None:
            save_weights(self._folder / _BEST, best)
        text = json.dumps({"made_by": _made_by(self._spec), "state": encode(learner.state)})
        (self._folder / _STATE).write_text(text, encoding="utf-8")
        files = {path.name: path for path in sorted(self._folder.iterdir())}
        self._report.checkpoint(files, step=learner.state.step)


def save_weights(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors as safetensors, each with memory of its own."""
    save_file({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, path)


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def _made_by(spec: TrainSpec) -> dict[str, Any]:
    """Return what has to be the same for a training to go on.

    Its accelerator too: a GPU rounds and draws differently.
    """
    asked = {name: value for name, value in encode(spec).items() if name != "attempt"}
    text = json.dumps(asked, sort_keys=True)
    versions = {"torch": torch.__version__, "omniscope": version("omniscope")}
    return {**versions, "request": hashlib.sha256(text.encode()).hexdigest()}
