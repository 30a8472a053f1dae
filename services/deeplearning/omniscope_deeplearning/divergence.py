"""The error of a training whose loss is no number any more."""

from omniscope_deeplearning.options import TrainingOptions
from omniscope_ml.errors import DataError


def diverged(what: str, options: TrainingOptions) -> DataError:
    """Return the error, with advice that the options leave room for.

    Args:
        what: Which loss, and where.
        options: How the network learns.
    """
    clip = "a" if options.gradient_clip is None else "a smaller"
    return DataError(
        f"{what}; a smaller training.learning_rate, {clip} training.gradient_clip or a warm-up "
        "may help, and preprocessing.scaling where it is 'none'",
        reason="TRAINING_DIVERGED",
        field="training.learning_rate",
    )
