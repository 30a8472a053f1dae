import pytest

from omniscope.common.v1.feature_selection_pb2 import FEATURE_SELECTION_METHOD_VARIANCE
from omniscope.common.v1.split_pb2 import SPLIT_STRATEGY_GROUP
from tests.unit.omniscope_client.conftest import Canned


def test_division_and_choice_of_columns_are_asked_for(omniscope, canned: Canned) -> None:
    outcome = omniscope(
        *("automl", "train", "tissues", "--target", "tissue", "--split", "group"),
        *("--group-column", "patient", "--time-column", "day", "--split-column", "part"),
        *("--folds", "5", "--split-seed", "3", "--select", "50", "--select-by", "variance"),
    )

    (request,) = canned.requests["Train"]
    assert outcome.code == 0
    assert request.split.strategy == SPLIT_STRATEGY_GROUP
    assert (request.split.folds, request.split.seed) == (5, 3)
    assert not request.split.HasField("validation_fraction")
    assert (request.group_column, request.time_column) == ("patient", "day")
    assert request.split_column == "part"
    assert request.feature_selection.method == FEATURE_SELECTION_METHOD_VARIANCE
    assert request.feature_selection.top_k == 50


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--split", "halves"), "'halves' is not known; allowed are random, stratified"),
        (("--select", "5", "--select-by", "luck"), "allowed are f-test, variance"),
        (("--select-by", "variance"), "it needs --select"),
    ],
)
def test_unknown_words_about_rows_and_columns_are_wrong_usage(
    options, said, omniscope, canned: Canned
) -> None:
    outcome = omniscope("automl", "train", "tissues", "--target", "tissue", *options)

    assert outcome.code == 2
    assert said in " ".join(outcome.err.replace("│", " ").split())
    assert "Train" not in canned.requests
