"""The end of a training in words: the epoch that it kept, and why it went no further."""

from omniscope_deeplearning.options import TrainingOptions
from omniscope_deeplearning.recipe import Recipe
from omniscope_deeplearning.state import State


def describe_ending(state: State, options: TrainingOptions, recipe: Recipe) -> str:
    """Return how a training ended, in a sentence.

    Args:
        state: Where it ended, after one epoch at least.
        options: How the network learned.
        recipe: What the options left open.
    """
    assert state.best is not None
    kept = f"kept epoch {state.best + 1} of {len(state.history)}"
    return f"{kept}: {_reason(state, options, recipe)}"


def _reason(state: State, options: TrainingOptions, recipe: Recipe) -> str:
    if state.stopped_early:
        return "a limit ended the training"
    if state.epoch >= options.epochs:
        return "all epochs are done"
    return (
        f"no validation loss was smaller by more than {recipe.min_improvement:g} for "
        f"{options.patience} epochs"
    )
