"""Where a training stands: what it needs to go on as if nothing had happened."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Epoch:
    """Measurements of one epoch.

    Attributes:
        number: From 0.
        step: Steps done by its end.
        train_loss: Mean loss over its batches, as they were trained.
        train_score: Accuracy, or root mean squared error, over its batches.
        validation_loss: Mean loss on the validation rows after it.
        validation_score: Accuracy, or root mean squared error, on the validation rows after it.
        learning_rate: Of its last step.
        gradient_norm: Of its last step, before clipping.
        rows_per_second: Training rows by the time that training on them took.
    """

    number: int
    step: int
    train_loss: float
    train_score: float
    validation_loss: float
    validation_score: float
    learning_rate: float
    gradient_norm: float
    rows_per_second: float


@dataclass
class Sums:
    """Sums over the steps of an epoch.

    Attributes:
        loss: Losses of the rows, weighted.
        weight: Weights of the rows.
        score: Right answers or squared errors of the rows.
        rows: Rows.
        seconds: Time that they took.
        gradient_norm: Of the last step.
    """

    loss: float = 0.0
    weight: float = 0.0
    score: float = 0.0
    rows: int = 0
    seconds: float = 0.0
    gradient_norm: float = 0.0


@dataclass
class State:
    """Where a training stands.

    Attributes:
        epoch: Epoch that is under way, from 0.
        epoch_step: Steps of it that are done.
        step: Steps of all epochs that are done.
        sums: What the steps of the epoch add up to.
        history: The epochs that are done.
        reference: What a smaller validation loss has to be smaller than; None: nothing yet.
        stagnant: Epochs since it became smaller.
        halvings: How often the `plateau` schedule has halved the learning rate.
        best: Place in the history of the epoch with the smallest validation loss; None before
            the first.
        seconds: Time that all attempts have trained.
        ended: Whether nothing is left to train.
        stopped_early: Whether a limit ended it.
    """

    epoch: int = 0
    epoch_step: int = 0
    step: int = 0
    sums: Sums = field(default_factory=Sums)
    history: list[Epoch] = field(default_factory=list)
    reference: float | None = None
    stagnant: int = 0
    halvings: int = 0
    best: int | None = None
    seconds: float = 0.0
    ended: bool = False
    stopped_early: bool = False

    @property
    def best_epoch(self) -> Epoch | None:
        """The epoch with the smallest validation loss."""
        return None if self.best is None else self.history[self.best]

    def note_loss(self, loss: float, min_improvement: float, halving_epochs: int) -> None:
        """Count for how long the validation loss has not become smaller.

        Args:
            loss: Of the epoch that has ended.
            min_improvement: How much smaller a loss has to be to count as smaller.
            halving_epochs: Epochs without a smaller loss after which the rate is halved.
        """
        if self.reference is None or loss < self.reference - min_improvement:
            self.reference, self.stagnant = loss, 0
            return
        self.stagnant += 1
        self.halvings += self.stagnant % halving_epochs == 0
