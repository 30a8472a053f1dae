"""Training speed of each architecture beside a hand-written loop and Lightning with a DataLoader.

All three take the same steps on the same rows (AdamW, clipping, batches of 128, 32 bits), on a GPU
where there is one, and tell mean loss and accuracy of the epoch. The hand-written loop slices
tensors on the device; the DataLoader gives Lightning's automatic optimisation one batch at a time.
Turn by turn, several times; one epoch a turn.
"""

import logging
import statistics
import time
import warnings
from collections.abc import Callable

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.claim import Claim
from benchmarks.size import sized
from omniscope_deeplearning.data import Part, TrainingData
from omniscope_deeplearning.losses import Loss
from omniscope_deeplearning.module import Learner
from omniscope_deeplearning.options import TrainingOptions
from omniscope_deeplearning.recipe import Recipe
from omniscope_deeplearning.state import State
from omniscope_deeplearning.world import World
from omniscope_ml.networks.architectures import ARCHITECTURES
from omniscope_ml.networks.build import build_network
from omniscope_ml.networks.description import describe_network
from omniscope_ml.networks.layout import InputLayout

ROWS = sized(32_768, small=256)
COLUMNS = 64
CLASSES = 10
BATCH = 128
SMALL = {"width": 16, "depth": 1}
TURNS = sized(5, small=1)
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
OF_LOOP = 0.9
OF_LOADER = 3.0
LAYOUTS = {
    "mlp": InputLayout(kind="flat"),
    "cnn1d": InputLayout(kind="sequence", steps=8, channels=8),
    "cnn2d": InputLayout(kind="image", height=8, width=8, channels=1),
    "rnn": InputLayout(kind="sequence", steps=8, channels=8),
    "lstm": InputLayout(kind="sequence", steps=8, channels=8),
    "gru": InputLayout(kind="sequence", steps=8, channels=8),
    "transformer": InputLayout(kind="sequence", steps=8, channels=8),
}

RECIPE = Recipe(
    batch_size=BATCH,
    optimizer="adamw",
    learning_rate=1e-3,
    weight_decay=0.01,
    dropout=0.0,
    min_improvement=0.0,
)

Turn = Callable[[], float]


class Automatic(pl.LightningModule):
    """What a user of Lightning writes first."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def training_step(self, batch: list[Tensor], _index: int) -> Tensor:
        """Returns the loss of a batch; Lightning takes the means of what is logged."""
        inputs, targets = batch
        outputs = self.network(inputs)
        loss = nn.functional.cross_entropy(outputs, targets)
        accuracy = (outputs.argmax(dim=1) == targets).float().mean()
        self.log_dict({"loss": loss, "accuracy": accuracy}, on_step=False, on_epoch=True)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Returns AdamW."""
        return torch.optim.AdamW(self.parameters(), lr=1e-3)


def measure() -> list[Claim]:
    """Measures every architecture."""
    torch.set_num_threads(1)
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    claims: list[Claim] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ARCHITECTURES:
            claims += compare(name)
    return claims


def compare(name: str) -> list[Claim]:
    """Returns both claims about an architecture."""
    turns = {"ours": ours(name), "loop": loop(name), "loader": loader(name)}
    rates: dict[str, list[float]] = {side: [] for side in turns}
    for turn in range(TURNS + 1):
        for side, run in turns.items():
            rate = run()
            if turn:  # the first warms up
                rates[side].append(rate)
    claims = [claim(f"dl_throughput_{name}", rates["ours"], rates["loop"], OF_LOOP)]
    if name == "mlp":
        claims.append(claim("dl_throughput_loader", rates["ours"], rates["loader"], OF_LOADER))
    return claims


def claim(name: str, ours: list[float], theirs: list[float], target: float) -> Claim:
    """Returns the claim that a rate is at least so many times another."""
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    return Claim(
        name=name,
        ours=f"{statistics.median(ours):,.0f} rows/s",
        theirs=f"{statistics.median(theirs):,.0f} rows/s",
        ratio=ratio,
        target=f">= {target:g}",
        passed=ratio >= target,
    )


def ours(name: str) -> Turn:
    """Returns a turn of the suite's own module under Lightning."""
    part = rows()
    data = TrainingData(part, part.take(torch.arange(64, device=DEVICE)), 0.0, 1.0)
    options = TrainingOptions(epochs=100, schedule="none")
    learner = Learner(
        network(name),
        data,
        Loss(classes=True),
        options,
        recipe=RECIPE,
        seed=0,
        state=State(),
        world=World(),
    )
    trainer = endless_trainer()

    def turn() -> float:
        learner.state.epoch_step = 0
        learner.begin_epoch()
        trainer.fit_loop.epoch_progress.reset()
        return timed(lambda: trainer.fit(learner))

    return turn


def loop(name: str) -> Turn:
    """Returns a turn of a loop as one would write it by hand."""
    part, model = rows(), network(name)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def epoch() -> None:
        total, right = 0.0, 0
        for places in torch.randperm(ROWS).split(BATCH):
            outputs, targets = model(part.inputs[places]), part.targets[places]
            loss = nn.functional.cross_entropy(outputs, targets)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
            right += int((outputs.argmax(dim=1) == targets).sum())

    return lambda: timed(epoch)


def loader(name: str) -> Turn:
    """Returns a turn of Lightning with automatic optimisation and a DataLoader."""
    part, module, trainer = rows(), Automatic(network(name)), endless_trainer(clip=1.0)
    data = TensorDataset(part.inputs.cpu(), part.targets.cpu())
    batches = DataLoader(data, BATCH, shuffle=True)

    def turn() -> float:
        trainer.fit_loop.epoch_progress.reset()
        return timed(lambda: trainer.fit(module, batches))

    return turn


def endless_trainer(clip: float | None = None) -> pl.Trainer:
    """Returns a trainer of one epoch that shows and stores nothing."""
    return pl.Trainer(
        accelerator=DEVICE,
        devices=1,
        max_epochs=1,
        logger=False,
        gradient_clip_val=clip,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def timed(epoch: Callable[[], None]) -> float:
    """Returns the rows of an epoch by its seconds."""
    started = time.perf_counter()
    epoch()
    return ROWS / (time.perf_counter() - started)


def rows() -> Part:
    """Returns the rows."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(ROWS, COLUMNS, generator=generator)
    targets = torch.randint(CLASSES, (ROWS,), generator=generator)
    return Part(inputs.to(DEVICE), targets.to(DEVICE), None)


def network(name: str) -> nn.Module:
    """Returns a small network, where what surrounds it costs most."""
    described = describe_network(name, SMALL, LAYOUTS[name], columns=COLUMNS, outputs=CLASSES)
    return build_network(described).to(DEVICE)
