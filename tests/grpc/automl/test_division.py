"""How rows are divided and columns chosen: what is filled in, warned about and refused."""

import grpc
import pytest
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from omniscope.automl.v1.automl_service_pb2 import TrainRequest
from omniscope.common.v1 import feature_selection_pb2, split_pb2
from omniscope_automl.convert import claim_to_spec
from omniscope_automl.spec import TrainSpec
from omniscope_ml.codec import decode
from tests.grpc.automl.test_train import claim, config_of

GOOD = {"dataset_id": "cells", "target_column": "outcome"}


def train(stub, credentials, **fields):
    request = json_format.ParseDict({**GOOD, **fields}, TrainRequest())
    return stub.Train(request, metadata=credentials)


@pytest.mark.parametrize(
    ("role", "column", "strategy"),
    [
        ("group_column", "patient", split_pb2.SPLIT_STRATEGY_GROUP),
        ("time_column", "visit", split_pb2.SPLIT_STRATEGY_TIME),
        ("split_column", "part", split_pb2.SPLIT_STRATEGY_PREDEFINED),
    ],
)
def test_a_named_column_asks_for_its_strategy_and_is_no_feature(
    role, column, strategy, stub, datasets, credentials
):
    config = config_of(train(stub, credentials, **{role: column}))

    assert config.split.strategy == strategy
    assert getattr(config, role) == column
    assert column not in config.feature_columns
    assert config.split.HasField("test_fraction") == (role != "split_column")


def test_a_column_of_another_strategy_is_no_feature_either(stub, datasets, credentials):
    split = {"strategy": "SPLIT_STRATEGY_STRATIFIED"}

    config = config_of(train(stub, credentials, group_column="patient", split=split))

    assert config.split.strategy == split_pb2.SPLIT_STRATEGY_STRATIFIED
    assert "patient" not in config.feature_columns


def test_a_worker_gets_the_plan_and_the_choice(stub, datasets, credentials, suite, workers):
    job = train(
        stub,
        credentials,
        group_column="patient",
        split={"folds": 4, "seed": 3},
        feature_selection={"method": "FEATURE_SELECTION_METHOD_VARIANCE", "top_k": 2},
    )

    spec = decode(TrainSpec, claim_to_spec(claim(job, suite, workers)))

    assert (spec.split_strategy, spec.split_column, spec.split_seed) == ("group", "patient", 3)
    assert (spec.folds, spec.validation_fraction, spec.test_fraction) == (4, None, 0.2)
    assert (spec.selection_method, spec.selection_top_k) == ("variance", 2)


@pytest.mark.parametrize("quality", ["medium_quality", "good_quality"])
def test_columns_are_chosen_without_the_rows_that_validate(quality, stub, datasets, credentials):
    job = train(stub, credentials, quality=quality, feature_selection={"top_k": 2})
    config = config_of(job)

    assert config.split.validation_fraction == 0.2
    method = feature_selection_pb2.FEATURE_SELECTION_METHOD_F_TEST
    assert config.feature_selection.method == method


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"split": {"folds": 4}, "feature_selection": {"top_k": 2}},
            "validation scores, whose rows took part in that, are too good",
        ),
        (
            {"quality": "good_quality", "split": {"validation_fraction": 0.2}},
            "nothing is bagged or stacked",
        ),
        ({"quality": "good_quality", "time_column": "visit"}, "nothing is stacked"),
        ({"quality": "good_quality", "split_column": "part"}, "nothing is bagged or stacked"),
        ({"split_column": "fold", "feature_selection": {"top_k": 2}}, "are too good"),
    ],
)
def test_what_a_plan_changes_is_warned_about(fields, said, stub, datasets, credentials):
    job = train(stub, credentials, key_column="sample", **fields)

    assert [said in warning for warning in job.warnings] == [True]


# What is added to a good request; reason; field; what the message says.
REFUSALS = {
    "group that is not there": (
        {"group_column": "patients"},
        "COLUMN_NOT_FOUND",
        "group_column",
        "did you mean 'patient'?",
    ),
    "group that is the target": (
        {"group_column": "outcome"},
        "COLUMN_ROLE_CONFLICT",
        "group_column",
        "is target_column too",
    ),
    "group among the features": (
        {"group_column": "patient", "feature_columns": ["gene1", "patient"]},
        "COLUMN_ROLE_CONFLICT",
        "feature_columns[1]",
        "is group_column too",
    ),
    "groups without a column": (
        {"split": {"strategy": "SPLIT_STRATEGY_GROUP"}},
        "FIELD_REQUIRED",
        "group_column",
        "SPLIT_STRATEGY_GROUP needs group_column",
    ),
    "groups and times": (
        {"group_column": "patient", "time_column": "visit"},
        "FIELD_INVALID",
        "split.strategy",
        "group_column and time_column are set",
    ),
    "one group": ({"group_column": "constant"}, "GROUPS_TOO_FEW", "group_column", "has 1"),
    "more folds than groups": (
        {"group_column": "patient", "split": {"folds": 10}},
        "GROUPS_TOO_FEW",
        "group_column",
        "has 10 distinct values; the split needs at least 11",
    ),
    "groups with a gap": (
        {"group_column": "centre"},
        "SPLIT_VALUE_MISSING",
        "group_column",
        "no value in 1 of 60 rows",
    ),
    "times of text": (
        {"time_column": "tissue"},
        "COLUMN_ROLE_CONFLICT",
        "time_column",
        "times are numbers or timestamps",
    ),
    "one time": ({"time_column": "flat"}, "TIMES_TOO_FEW", "time_column", "has 1 distinct"),
    "parts that are none": (
        {"split_column": "tissue"},
        "SPLIT_VALUE_UNKNOWN",
        "split_column",
        "allowed are train, validation, test and whole numbers",
    ),
    "parts and a share": (
        {"split_column": "part", "split": {"test_fraction": 0.3}},
        "FIELD_INVALID",
        "split.test_fraction",
        "split_column says which rows are held out",
    ),
    "folds and a share": (
        {"split": {"folds": 5, "validation_fraction": 0.3}},
        "FIELD_INVALID",
        "split.validation_fraction",
        "split.folds is set",
    ),
    "one fold": ({"split": {"folds": 1}}, "FIELD_INVALID", "split.folds", "from 2 to 20"),
    "a share of all": (
        {"split": {"validation_fraction": 1.0}},
        "FIELD_INVALID",
        "split.validation_fraction",
        "from 0.01 to 0.9",
    ),
    "no column to keep": (
        {"feature_selection": {"method": "FEATURE_SELECTION_METHOD_F_TEST"}},
        "FIELD_REQUIRED",
        "feature_selection.top_k",
        "required",
    ),
    "fewer than no column": (
        {"feature_selection": {"top_k": -1}},
        "FIELD_INVALID",
        "feature_selection.top_k",
        "from 1 to 100000",
    ),
}


@pytest.mark.parametrize(
    ("fields", "reason", "field", "said"), REFUSALS.values(), ids=REFUSALS.keys()
)
def test_what_cannot_work_is_refused(fields, reason, field, said, stub, datasets, credentials):
    with pytest.raises(grpc.RpcError) as caught:
        train(stub, credentials, **fields)

    status = rpc_status.from_call(caught.value)  # type: ignore[arg-type]  # a call too
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    assert info.reason == reason
    assert bad.field_violations[0].field == field
    assert said in status.message
