"""Drives the epochs of a training with Lightning."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from omniscope_deeplearning.callbacks import Measuring, Progress, Stopping
from omniscope_deeplearning.checkpoints import Checkpoint, Checkpoints
from omniscope_deeplearning.data import TrainingData, load_data
from omniscope_deeplearning.device import training_device
from omniscope_deeplearning.ending import describe_ending
from omniscope_deeplearning.losses import Loss
from omniscope_deeplearning.module import Learner
from omniscope_deeplearning.prepared import PreparedTable
from omniscope_deeplearning.recipe import Recipe, recipe_for
from omniscope_deeplearning.request_fields import renamed_field
from omniscope_deeplearning.spec import TrainSpec
from omniscope_deeplearning.state import State
from omniscope_deeplearning.stop_request import StopRequest
from omniscope_deeplearning.threads import chosen_threads
from omniscope_deeplearning.world import World
from omniscope_ml.networks.build import build_network
from omniscope_ml.networks.description import NetworkDescription, describe_network
from omniscope_ml.networks.layout import FIELD as LAYOUT
from omniscope_ml.networks.parameters import FIELD as PARAMETERS

if TYPE_CHECKING:
    from omniscope_service.jobs.report import Report


@dataclass(frozen=True)
class Fit:
    """The result of the epochs.

    Attributes:
        description: The network.
        weights: Its weights after the best epoch.
        state: What was measured, and how it ended.
        recipe: What it was trained with.
        ending: Which epoch was kept, and why it ended.
    """

    description: NetworkDescription
    weights: Mapping[str, Tensor]
    state: State
    recipe: Recipe
    ending: str


def fit_network(
    spec: TrainSpec,
    prepared: PreparedTable,
    checkpoint: Checkpoint | None,
    report: "Report",
    *,
    folder: Path,
    stop: StopRequest,
    world: World,
) -> Fit:
    """Train a network until the epochs are done, none gets better, or a limit is reached.

    Args:
        spec: What is asked for.
        prepared: The rows.
        checkpoint: Where an earlier attempt stood; None: start from nothing.
        report: Receives progress and metrics.
        folder: Where checkpoints are made.
        stop: What the worker asks for.
        world: The processes that train together.

    Raises:
        DataError: Those of `describe_network` and `load_data`, TRAINING_DIVERGED.
    """
    device = training_device(spec, world)
    recipe = recipe_for(spec, prepared)
    description = described(spec, prepared)
    data = load_data(prepared, spec, device)
    description = replace(
        description, target_center=data.target_center, target_scale=data.target_scale
    )
    state = State() if checkpoint is None else checkpoint.state
    learner = _learner(spec, recipe, description, data, state, world)
    if checkpoint is not None:
        checkpoint.restore(learner)
    learner.begin_epoch()
    best = None if checkpoint is None else checkpoint.best
    measuring = Measuring(spec.training, report, best)
    checkpoints = Checkpoints(folder, spec, report) if world.is_rank_zero else None
    callbacks = [
        Progress(spec.training, report),
        measuring,
        Stopping(spec.training, stop, measuring, checkpoints),
    ]
    if not state.ended:
        weights = sum(tensor.numel() for tensor in learner.network.parameters())
        report.log(f"training {weights:,} weights on {device.type}: {recipe}")
        with chosen_threads(description, weights, recipe.batch_size, world.size):
            _run(learner, callbacks, spec, device)
    assert measuring.best is not None
    ending = describe_ending(state, spec.training, recipe)
    report.log(ending)
    return Fit(description, measuring.best, state, recipe, ending)


def described(spec: TrainSpec, prepared: PreparedTable) -> NetworkDescription:
    """Return the network that the spec asks for and the table needs.

    Raises:
        DataError: Those of `describe_network`, by the names of the request.
    """
    labels, layout = prepared.table.labels, spec.input_layout
    with (
        renamed_field(spec.architecture, PARAMETERS),
        renamed_field(f"{LAYOUT}.{layout.kind}", LAYOUT),
    ):
        return describe_network(
            spec.architecture,
            spec.parameters,
            layout,
            columns=prepared.columns,
            outputs=len(labels.values) if labels else 1,
            dropout=recipe_for(spec, prepared).dropout,
        )


def _learner(
    spec: TrainSpec,
    recipe: Recipe,
    description: NetworkDescription,
    data: TrainingData,
    state: State,
    world: World,
) -> Learner:
    options = spec.training
    loss = Loss(
        classes=spec.problem_type != "regression",
        label_smoothing=options.label_smoothing,
        scale=data.target_scale,
    )
    return Learner(
        build_network(description, spec.seed).to(data.train.inputs.device),
        data,
        loss,
        options,
        recipe=recipe,
        seed=spec.seed,
        state=state,
        world=world,
    )


def _run(learner: Learner, callbacks: list[Any], spec: TrainSpec, device: torch.device) -> None:
    from pytorch_lightning import Trainer
    from pytorch_lightning.plugins.environments import LightningEnvironment

    # 32 bits are not the 19 that convolutions would take on a GPU.
    torch.backends.cudnn.allow_tf32 = False
    with _quiet_lightning(), _deterministic(spec.training.deterministic):
        trainer = Trainer(
            accelerator="gpu" if device.type == "cuda" else "cpu",
            devices=[device.index] if device.type == "cuda" else 1,
            precision=_precision(spec, device),
            max_epochs=spec.training.epochs - learner.state.epoch,
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            # Else it looks for MPI, Slurm and others, and starts what it finds.
            plugins=[LightningEnvironment()],
        )
        trainer.fit(learner)


def _precision(spec: TrainSpec, device: torch.device) -> Any:
    chosen = spec.training.precision
    if chosen == "auto":
        able = device.type == "cuda" and torch.cuda.is_bf16_supported()
        return "bf16-mixed" if able else "32-true"
    return "bf16-mixed" if chosen == "bf16" else "32-true"


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Keep Lightning's advice to programmers from those who watch the job."""
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _deterministic(wanted: bool) -> Iterator[None]:
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(wanted)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
