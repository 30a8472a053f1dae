"""The learner: a network, its optimizer, and a step over a chunk of batches."""

import time
from typing import Any

import numpy as np
import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from omniscope_deeplearning.data import Chunks, Part, TrainingData
from omniscope_deeplearning.divergence import diverged
from omniscope_deeplearning.losses import Loss
from omniscope_deeplearning.options import TrainingOptions
from omniscope_deeplearning.recipe import Recipe
from omniscope_deeplearning.schedules import LearningRate, halving_epochs
from omniscope_deeplearning.state import State, Sums
from omniscope_deeplearning.world import World

_MOMENTUM = 0.9
# What Lightning does for each of its batches is paid once for so many of ours, unless they take so
# long that signals and limits would go unnoticed meanwhile.
_BATCHES_TOGETHER = 20
_SECONDS_TOGETHER = 0.5
# Without gradients so many batches need no more memory than one with.
_BATCHES_MEASURED_TOGETHER = 4


class Learner(LightningModule):
    """A network that is being trained.

    Optimisation is manual: Lightning's own costs half of the speed at batches of 128 rows. So
    clipping, accumulation, the learning rate and all counters are here, in `state`.

    Args:
        network: Shape (rows, columns) to (rows, outputs).
        data: The rows.
        loss: What to make small.
        options: How to learn.
        recipe: What the options left open.
        seed: Seed of the order of rows.
        state: Where the training stands.
        world: The processes that train together.
    """

    def __init__(
        self,
        network: nn.Module,
        data: TrainingData,
        loss: Loss,
        options: TrainingOptions,
        *,
        recipe: Recipe,
        seed: int,
        state: State,
        world: World,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network = network
        self._weights = list(network.parameters())  # walking through the modules takes time
        self.optimizer = _optimizer(network, recipe)
        self.state = state
        self.loss = loss
        self.world = world
        self._data, self._options, self._recipe = data, options, recipe
        self._group = recipe.batch_size * options.accumulation
        self.chunks = Chunks(len(data.train), self._group, seed)
        self._data_parallel: nn.Module = network
        self._rate = self._learning_rate()
        self._draws = int(np.random.SeedSequence((seed, world.rank)).generate_state(1)[0])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer, which Lightning only moves between devices."""
        return self.optimizer

    def on_train_start(self) -> None:
        """Join the other processes once the network is on its device."""
        # Not a submodule: it would name every weight twice.
        object.__setattr__(self, "_data_parallel", self.world.data_parallel(self.network))

    def train_dataloader(self) -> Chunks:
        """Return the chunks of the epoch that is under way."""
        return self.chunks

    def training_step(self, indices: Tensor, _index: int) -> None:
        """Take the steps of one chunk of rows.

        Raises:
            DataError: TRAINING_DIVERGED when the loss is no number any more.
        """
        started = time.perf_counter()
        seen = torch.zeros(2, dtype=torch.float64, device=self.device)
        norm = torch.zeros(())
        chunk = self._data.train.take(indices.to(self.device))
        for group in chunk.slices(self._group):
            norm = self._step(group, seen)
        loss, score = self.world.all_reduce(seen).tolist()
        self._check_finite(loss + float(norm))
        steps, seconds = -(-len(chunk) // self._group), time.perf_counter() - started
        self.state.epoch_step += steps
        self.chunks.together = int(self.world.broadcast(self._steps_together(steps, seconds)))
        sums = self.state.sums
        sums.loss, sums.score = sums.loss + loss, sums.score + score
        sums.rows += len(chunk)
        sums.weight += len(chunk) if chunk.weights is None else float(chunk.weights.sum())
        sums.gradient_norm = float(norm)
        sums.seconds += seconds

    def begin_epoch(self) -> None:
        """Let the chunks run on from where the training stands."""
        self.chunks.epoch = self.state.epoch
        self.chunks.first_step = self.state.epoch_step

    def end_epoch(self) -> None:
        """Go on to the next epoch."""
        self.state.epoch, self.state.epoch_step = self.state.epoch + 1, 0
        self.state.sums = Sums()
        self.begin_epoch()

    def note_loss(self, loss: float) -> None:
        """Let the validation loss of an epoch count for patience and the plateau schedule."""
        wait = halving_epochs(self._options.patience)
        self.state.note_loss(loss, self._recipe.min_improvement, wait)

    def last_rate(self) -> float:
        """Return the learning rate of the last step."""
        return self._rate.at(self.state.step - 1, self.state.halvings)

    @torch.no_grad()
    def measure(self) -> tuple[float, float]:
        """Return mean loss and score on the validation rows, the loss as rank 0 measures it.

        By the loss all decide how to go on, and devices may round differently.
        """
        self.network.eval()
        part = self._data.validation
        loss = score = 0.0
        for rows in part.slices(_BATCHES_MEASURED_TOGETHER * self._recipe.batch_size):
            outputs = self._outputs(self.network, rows)
            loss += float(self.loss.total(outputs, rows.targets, rows.weights, smooth=False))
            score += float(self.loss.score(outputs, rows.targets))
        self.network.train()
        weight = len(part) if part.weights is None else float(part.weights.sum())
        return self.world.broadcast(loss / weight), self.loss.mean_score(score, len(part))

    def _step(self, group: Part, seen: Tensor) -> Tensor:
        """Take one step, whose gradient is the mean over a group of batches."""
        rate = self._rate.at(self.state.step, self.state.halvings)
        for parameters in self.optimizer.param_groups:
            parameters["lr"] = rate
        self._seed_dropout()
        for batch in group.slices(self._recipe.batch_size):
            self._learn(batch, len(group), seen)
        longest = self._options.gradient_clip
        most = float("inf") if longest is None else longest
        norm = nn.utils.clip_grad_norm_(self._weights, most)
        self.optimizer.step()
        for weights in self._weights:  # zero_grad() takes several times as long
            weights.grad = None
        self.state.step += 1
        return norm

    def _seed_dropout(self) -> None:
        """Let random numbers depend on the step only: a resumed training draws the same."""
        seed = self._draws + self.state.step
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def _steps_together(self, steps: int, seconds: float) -> int:
        """Return how many steps to take between two looks at signals and limits."""
        most = -(-_BATCHES_TOGETHER // self._options.accumulation)
        return max(1, min(most, int(_SECONDS_TOGETHER * steps / seconds)))

    def _learn(self, batch: Part, rows: int, seen: Tensor) -> None:
        """Add a batch's part of the gradient of so many rows, and what it was like to `seen`."""
        shard = self.world.shard(len(batch))
        weights = None if batch.weights is None else batch.weights[shard]
        targets = batch.targets[shard]
        outputs = self._outputs(self._data_parallel, Part(batch.inputs[shard], targets, weights))
        total = self.loss.total(outputs, targets, weights)
        factor = self.world.loss_scale(len(batch))
        # Weights have mean 1: divided by their own sum, rows of a light group would count more.
        (total * (factor / rows)).backward()
        score = self.loss.score(outputs.detach(), targets)
        seen.add_(torch.stack((total.detach(), score)), alpha=factor / self.world.size)

    def _outputs(self, network: nn.Module, rows: Part) -> Tensor:
        with self.trainer.precision_plugin.forward_context():
            outputs = network(rows.inputs)
        return outputs.float()

    def _learning_rate(self) -> LearningRate:
        options = self._options
        steps = -(-len(self._data.train) // self._group)
        return LearningRate(
            options.schedule,
            self._recipe.learning_rate,
            steps * options.epochs,
            steps * options.warmup_epochs,
        )

    def _check_finite(self, value: float) -> None:
        if value - value != 0:  # NaN or infinite
            raise diverged(
                f"the loss is no number any more in epoch {self.state.epoch + 1}, step "
                f"{self.state.step}, at learning rate {self.last_rate():g}",
                self._options,
            )


def _optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    # What has one dimension shifts or scales: pulling it to 0 would only distort.
    parameters = list(network.parameters())
    groups: list[dict[str, Any]] = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    rate = recipe.learning_rate
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=_MOMENTUM, nesterov=True, fused=True)
    kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=rate, fused=True)
