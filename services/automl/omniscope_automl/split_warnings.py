"""Warnings about a division of rows that changes the rest of a training by AutoGluon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope.common.v1 import split_pb2
from omniscope_automl.presets import bags
from omniscope_training.split_columns import one_part_validates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from omniscope.automl.v1.automl_service_pb2 import TrainRequest
    from omniscope_training.planner import RequestedTable


def split_warnings(request: TrainRequest, table: RequestedTable) -> Iterable[str]:
    """Yield what a division, with its strategy filled in, changes about the rest of a training."""
    quality, one_part = request.quality, one_part_validates(request, table.columns)
    if bags(quality) and one_part:
        yield (
            f"quality {quality!r} bags folds; where one part validates nothing is bagged or "
            "stacked."
        )
    elif bags(quality) and request.split.strategy == split_pb2.SPLIT_STRATEGY_TIME:
        yield (
            f"quality {quality!r} stacks models; with a split by time the oldest rows have no "
            "out-of-fold predictions, and nothing is stacked."
        )
    if request.HasField("feature_selection") and not one_part:
        yield (
            "feature_selection chooses columns once, by all training rows: validation scores, "
            "whose rows took part in that, are too good. The held-out metrics are not; neither "
            "are validation scores with split.validation_fraction."
        )
