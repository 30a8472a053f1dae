"""Turns the command line's words about rows and columns into the protocol's messages."""

from collections.abc import Iterable

import typer

from omniscope.common.v1 import feature_selection_pb2, split_pb2
from omniscope.common.v1.feature_selection_pb2 import FeatureSelection, FeatureSelectionMethod
from omniscope.common.v1.split_pb2 import SplitConfig, SplitStrategy
from omniscope_client.messages import message

_STRATEGIES = {
    "random": split_pb2.SPLIT_STRATEGY_RANDOM,
    "stratified": split_pb2.SPLIT_STRATEGY_STRATIFIED,
    "group": split_pb2.SPLIT_STRATEGY_GROUP,
    "time": split_pb2.SPLIT_STRATEGY_TIME,
    "predefined": split_pb2.SPLIT_STRATEGY_PREDEFINED,
}
_METHODS = {
    "f-test": feature_selection_pb2.FEATURE_SELECTION_METHOD_F_TEST,
    "variance": feature_selection_pb2.FEATURE_SELECTION_METHOD_VARIANCE,
}


def split_from_options(
    strategy: str,
    test_fraction: float | None,
    validation_fraction: float | None,
    folds: int | None,
    seed: int | None,
) -> SplitConfig | None:
    """Return how rows are to be divided; None where no option says anything.

    Raises:
        typer.BadParameter: The strategy is unknown.
        RequestError: A number is greater than its field holds.
    """
    if strategy and strategy not in _STRATEGIES:
        raise _unknown("--split", strategy, _STRATEGIES)
    split = message(
        SplitConfig,
        "split",
        strategy=_STRATEGIES[strategy] if strategy else SplitStrategy.SPLIT_STRATEGY_UNSPECIFIED,
        test_fraction=test_fraction,
        validation_fraction=validation_fraction,
        folds=folds,
        seed=seed,
    )
    return split if split.ListFields() else None


def selection_from_options(top_k: int | None, method: str) -> FeatureSelection | None:
    """Return how columns are to be chosen; None where all are used.

    Raises:
        typer.BadParameter: The method is unknown, or there is one without a number.
        RequestError: The number is greater than its field holds.
    """
    if method and method not in _METHODS:
        raise _unknown("--select-by", method, _METHODS)
    if method and top_k is None:
        raise typer.BadParameter("it needs --select.", param_hint="--select-by")
    if top_k is None:
        return None
    unspecified = FeatureSelectionMethod.FEATURE_SELECTION_METHOD_UNSPECIFIED
    chosen = _METHODS[method] if method else unspecified
    return message(FeatureSelection, "feature_selection", top_k=top_k, method=chosen)


def _unknown(option: str, word: str, known: Iterable[str]) -> typer.BadParameter:
    return typer.BadParameter(
        f"{word!r} is not known; allowed are {', '.join(known)}.", param_hint=option
    )
