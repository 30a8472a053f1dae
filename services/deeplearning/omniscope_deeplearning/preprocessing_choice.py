"""How a request wants columns to become numbers, and what their profiles say to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from omniscope_deeplearning.spec import MissingValues
from omniscope_ml.preprocessing.options import MOST_CATEGORIES, Imputation, Scaling
from omniscope_service.errors import InvalidArgument
from omniscope_training.allowed import FIELD_INVALID, require_known

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from omniscope.common.v1.dataset_pb2 import DatasetColumn
    from omniscope.deeplearning.v1.deep_learning_service_pb2 import TrainRequest
    from omniscope_training.planner import RequestedTable

MISSING_VALUES: Final[dict[str, MissingValues]] = {word: word for word in get_args(MissingValues)}
IMPUTATIONS: Final[dict[str, Imputation]] = {word: word for word in get_args(Imputation)}
SCALINGS: Final[dict[str, Scaling]] = {word: word for word in get_args(Scaling)}
"""The spec's names for the words of a request."""

_FIELD: Final = "preprocessing"
_WORDS: Final[dict[str, tuple[str, Collection[str]]]] = {
    "missing_values": ("impute", MISSING_VALUES),
    "imputation": ("median", IMPUTATIONS),
    "scaling": ("standard", SCALINGS),
    "encoding": ("one_hot", ("one_hot", "refuse")),
}
"""The default of each word, and what it may be."""


def fill_preprocessing(request: TrainRequest) -> None:
    """Fill in the words that a request leaves out, and refuse unknown ones.

    Raises:
        InvalidArgument: FIELD_INVALID.
    """
    for name, (default, known) in _WORDS.items():
        word = getattr(request.preprocessing, name) or default
        require_known(word, known, f"{_FIELD}.{name}", FIELD_INVALID)
        setattr(request.preprocessing, name, word)


def check_features(request: TrainRequest, table: RequestedTable) -> None:
    """Refuse features that the request's own policies do not take.

    Raises:
        InvalidArgument: FEATURE_NOT_NUMERIC, MISSING_VALUES.
    """
    features = [table.columns[name] for name in table.features.names]
    if request.preprocessing.encoding == "refuse":
        _check_numeric(features)
    if request.preprocessing.missing_values == "refuse":
        _check_complete(features, table.dataset.row_count - table.target.rows)


def values_per_row(request: TrainRequest, table: RequestedTable) -> range:
    """Return how many values the features can give for each row.

    One number where their profiles tell it. Which categories and gaps are among the rows that
    train only the rows tell.
    """
    features = [table.columns[name] for name in table.features.names]
    texts = [column for column in features if _is_text(column)]
    numbers = _numbers_kept(request, features)
    indicated = request.preprocessing.indicators and sum(
        column.missing_count > 0 for column in features if not _is_text(column)
    )
    categories = sum(_most_categories(column, table) for column in texts)
    least = numbers + len(texts)  # each has a value for texts that are not known
    return range(least, least + categories + min(indicated, numbers) + 1)


def _numbers_kept(request: TrainRequest, features: Sequence[DatasetColumn]) -> int:
    """Return how many columns that are no texts are left by the selection."""
    times = sum(column.type == "timestamp" for column in features)
    ranked = sum(not _is_text(column) for column in features) - times
    if request.HasField("feature_selection"):
        ranked = min(request.feature_selection.top_k, ranked)
    return times + ranked


def _most_categories(column: DatasetColumn, table: RequestedTable) -> int:
    known = column.HasField("distinct_count")
    return min(MOST_CATEGORIES, column.distinct_count if known else table.dataset.row_count)


def _check_numeric(features: Sequence[DatasetColumn]) -> None:
    texts = [column.name for column in features if _is_text(column)]
    if texts:
        raise InvalidArgument(
            f"{_FIELD}.encoding is 'refuse', and text is in {len(texts)} of {len(features)} "
            f"features, {texts[0]!r} for one; allowed for them is 'one_hot', or leave them out by "
            "ignore_columns.",
            reason="FEATURE_NOT_NUMERIC",
            field=f"{_FIELD}.encoding",
        )


def _check_complete(features: Sequence[DatasetColumn], unlabelled: int) -> None:
    # Rows without a target value take no part, and may be those with the gaps.
    gaps = [column for column in features if column.missing_count > unlabelled]
    if gaps:
        worst = max(gaps, key=lambda column: column.missing_count)
        raise InvalidArgument(
            f"{_FIELD}.missing_values is 'refuse', and gaps are in {len(gaps)} of {len(features)} "
            f"features, most in {worst.name!r} with {worst.missing_count}; allowed for them is "
            "'impute', or leave them out by ignore_columns.",
            reason="MISSING_VALUES",
            field=f"{_FIELD}.missing_values",
        )


def _is_text(column: DatasetColumn) -> bool:
    return column.type == "string"
