"""The choice of columns in a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omniscope.common.v1 import feature_selection_pb2
from omniscope_training.allowed import FIELD_INVALID, require_in, require_known
from omniscope_training.ranges import TOP_K_RANGE

if TYPE_CHECKING:
    from omniscope.common.v1.feature_selection_pb2 import FeatureSelection
    from omniscope_training.request import TrainingRequest

_METHOD: Final = "feature_selection.method"
_TOP_K: Final = "feature_selection.top_k"


def fill_selection(request: TrainingRequest) -> None:
    """Fill in the method."""
    chosen = request.feature_selection
    if chosen.method == feature_selection_pb2.FEATURE_SELECTION_METHOD_UNSPECIFIED:
        chosen.method = feature_selection_pb2.FEATURE_SELECTION_METHOD_F_TEST


def check_selection(selection: FeatureSelection) -> None:
    """Refuse an unknown method and a number of columns out of range.

    Raises:
        InvalidArgument: FIELD_INVALID.
    """
    methods = feature_selection_pb2.FeatureSelectionMethod.DESCRIPTOR.values_by_number
    require_known(selection.method, methods, _METHOD, FIELD_INVALID)
    require_in(selection.top_k, TOP_K_RANGE, _TOP_K, FIELD_INVALID)
