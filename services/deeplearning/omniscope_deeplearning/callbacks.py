"""Callbacks around the steps of a training: measuring, stopping, checkpoints, progress."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pytorch_lightning import Callback, Trainer
from torch import Tensor

from omniscope_deeplearning.checkpoints import Checkpoints
from omniscope_deeplearning.divergence import diverged
from omniscope_deeplearning.module import Learner
from omniscope_deeplearning.options import TrainingOptions
from omniscope_deeplearning.state import Epoch
from omniscope_deeplearning.stop_request import TERMINATED, StopRequest

if TYPE_CHECKING:
    from omniscope_service.jobs.report import Report

# The epochs lie between these percentages; before them is reading, after them measuring.
TRAINING_STARTS = 2.0
TRAINING_ENDS = 90.0

_SECONDS_BETWEEN_PROGRESS = 1.0
# Storing a checkpoint takes longer than an epoch of a small table, and of a large network seconds.
_SECONDS_BETWEEN_CHECKPOINTS = 2.0
_TIMES_ITS_DURATION = 10.0


class Measuring(Callback):
    """Measures each epoch, keeps the weights of the best, ends where none gets better.

    Args:
        options: How to learn.
        report: Receives every epoch.
        best: Weights of the best epoch of an earlier attempt.
    """

    def __init__(
        self, options: TrainingOptions, report: "Report", best: Mapping[str, Tensor] | None
    ) -> None:
        self._options, self._report = options, report
        self.best = best

    def on_train_epoch_end(self, trainer: Trainer, learner: Learner) -> None:
        """Measure the epoch that has ended, or as much of it as there was time for."""
        state = learner.state
        whole = state.epoch_step >= learner.chunks.steps
        if state.step and (whole or self.best is None):
            self._measure(learner)
        if whole:
            learner.end_epoch()
            done = state.epoch >= self._options.epochs or self._stagnates(learner)
            state.ended = state.ended or done
            trainer.should_stop = trainer.should_stop or state.ended

    def _measure(self, learner: Learner) -> None:
        state, sums = learner.state, learner.state.sums
        loss, score = learner.measure()
        if loss - loss != 0:
            raise diverged(
                f"the validation loss is no number any more after epoch {state.epoch + 1}",
                self._options,
            )
        epoch = Epoch(
            number=state.epoch,
            step=state.step,
            train_loss=sums.loss / max(sums.weight, 1e-12),
            train_score=learner.loss.mean_score(sums.score, max(sums.rows, 1)),
            validation_loss=loss,
            validation_score=score,
            learning_rate=learner.last_rate(),
            gradient_norm=sums.gradient_norm,
            rows_per_second=sums.rows / max(sums.seconds, 1e-9),
        )
        best = state.best_epoch
        learner.note_loss(loss)
        state.history.append(epoch)
        if best is None or loss < best.validation_loss:
            state.best = len(state.history) - 1
            self.best = {n: t.detach().clone() for n, t in learner.network.state_dict().items()}
        report_epoch(self._report, epoch, learner.loss.score_name)

    def _stagnates(self, learner: Learner) -> bool:
        patience = self._options.patience
        return patience is not None and learner.state.stagnant >= patience


class Stopping(Callback):
    """Ends a training between two chunks when a limit is reached or the worker asks for it.

    Args:
        options: How to learn.
        stop: What the worker asks for.
        measuring: Holds the best weights.
        checkpoints: Where the state is left; None where another process leaves it.
    """

    def __init__(
        self,
        options: TrainingOptions,
        stop: StopRequest,
        measuring: Measuring,
        checkpoints: Checkpoints | None,
    ) -> None:
        self._options, self._stop = options, stop
        self._measuring, self._checkpoints = measuring, checkpoints
        self._seen = time.monotonic()
        self._due = float("-inf")

    def on_train_start(self, trainer: Trainer, learner: Learner) -> None:
        """Take the signals again: Lightning has taken them by now."""
        self._stop.listen()

    def on_train_batch_end(
        self, trainer: Trainer, learner: Learner, outputs: object, batch: object, batch_idx: int
    ) -> None:
        """Look at the clock and at the signals after a chunk."""
        self._count_time(learner)
        asked = 2 * self._stop.end + (self._stop.finish or self._is_over(learner))
        decided = learner.world.broadcast(asked)
        if decided >= 2:
            self._write(learner)
            raise SystemExit(TERMINATED)
        if decided:
            trainer.should_stop = learner.state.stopped_early = learner.state.ended = True
        if self._options.checkpoint_minutes is not None and self._is_due():
            self._write(learner)

    def on_train_epoch_end(self, trainer: Trainer, learner: Learner) -> None:
        """Leave a checkpoint of every epoch; runs after measuring."""
        self._count_time(learner)
        if self._is_due() or learner.state.ended:
            self._write(learner)

    def _is_due(self) -> bool:
        return time.monotonic() >= self._due

    def _write(self, learner: Learner) -> None:
        started = time.monotonic()
        if self._checkpoints is not None:
            self._checkpoints.write(learner, self._measuring.best)
        ended, minutes = time.monotonic(), self._options.checkpoint_minutes
        wait = max(_SECONDS_BETWEEN_CHECKPOINTS, _TIMES_ITS_DURATION * (ended - started))
        self._due = ended + (wait if minutes is None else 60 * minutes)

    def _count_time(self, learner: Learner) -> None:
        now = time.monotonic()
        learner.state.seconds, self._seen = learner.state.seconds + now - self._seen, now

    def _is_over(self, learner: Learner) -> bool:
        limit = self._options.max_seconds
        return limit is not None and learner.state.seconds >= limit


class Progress(Callback):
    """Tells how far the training is, also within an epoch.

    Args:
        options: How to learn.
        report: Where to tell it.
    """

    def __init__(self, options: TrainingOptions, report: "Report") -> None:
        self._options, self._report = options, report
        self._told = float("-inf")

    def on_train_batch_end(
        self, trainer: Trainer, learner: Learner, outputs: object, batch: object, batch_idx: int
    ) -> None:
        """Tell it, at most once in a second."""
        state, now = learner.state, time.monotonic()
        if now - self._told < _SECONDS_BETWEEN_PROGRESS:
            return
        self._told = now
        done = state.epoch + state.epoch_step / learner.chunks.steps
        share = done / self._options.epochs
        self._report.progress(
            TRAINING_STARTS + share * (TRAINING_ENDS - TRAINING_STARTS),
            f"epoch {state.epoch + 1} of at most {self._options.epochs}",
            completed=state.epoch,
            total=self._options.epochs,
            eta_seconds=state.seconds / share - state.seconds if share else None,
        )


def report_epoch(report: "Report", epoch: Epoch, score_name: str) -> None:
    """Report everything that was measured of an epoch."""
    measured = (
        ("loss", epoch.train_loss, "train"),
        (score_name, epoch.train_score, "train"),
        ("loss", epoch.validation_loss, "validation"),
        (score_name, epoch.validation_score, "validation"),
        ("learning_rate", epoch.learning_rate, "train"),
        ("gradient_norm", epoch.gradient_norm, "train"),
        ("rows_per_second", epoch.rows_per_second, "train"),
    )
    for name, value, split in measured:
        report.metric(name, value, step=epoch.step, split=split, epoch=epoch.number)
