"""The fields that the requests of all training services have under the same names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableSequence

    from omniscope.common.v1.feature_selection_pb2 import FeatureSelection
    from omniscope.common.v1.split_pb2 import SplitConfig


class TrainingRequest(Protocol):
    """A message that asks for a training; what each field means is in its proto."""

    dataset_id: str
    target_column: str
    problem_type: str
    positive_class: str
    key_column: str
    weight_column: str
    group_column: str
    time_column: str
    split_column: str
    seed: int
    deadline_seconds: int
    model_name: str
    description: str
    experiment: str
    request_id: str
    validate_only: bool

    @property
    def feature_columns(self) -> MutableSequence[str]:
        """Columns to predict from; empty until they are chosen where the request names none."""
        ...

    @property
    def ignore_columns(self) -> MutableSequence[str]:
        """Columns to leave out."""
        ...

    @property
    def split(self) -> SplitConfig:
        """How rows are divided."""
        ...

    @property
    def feature_selection(self) -> FeatureSelection:
        """How columns are chosen."""
        ...

    @property
    def tags(self) -> Mapping[str, str]:
        """Free labels."""
        ...

    def HasField(self, field_name: Any) -> bool:  # noqa: N802 - protobuf's name
        """Return whether a field was set."""
        ...
