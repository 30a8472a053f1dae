"""Everything that can be known to be wrong is refused, with its field, before it is queued."""

import grpc
import pytest
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from omniscope.automl.v1.automl_service_pb2 import TrainRequest
from omniscope.registry.v1.job_service_pb2 import ListJobsRequest

GOOD = {"dataset_id": "cells", "target_column": "outcome"}
ULID = "01J9ZQ4T9V8XKQ2W3E4R5T6Y7Z"

# What is changed in a good request; reason; field; what the message says.
REFUSALS = {
    "no dataset": ({"dataset_id": ""}, "FIELD_REQUIRED", "dataset_id", "required"),
    "no target": ({"target_column": ""}, "FIELD_REQUIRED", "target_column", "required"),
    "target with a typo": (
        {"target_column": "outcom"},
        "COLUMN_NOT_FOUND",
        "target_column",
        "did you mean 'outcome'?",
    ),
    "target like nothing there": (
        {"target_column": "????"},
        "COLUMN_NOT_FOUND",
        "target_column",
        "its columns are 'sample', 'outcome'",
    ),
    "feature that is not there": (
        {"feature_columns": ["gene1", "gen2"]},
        "COLUMN_NOT_FOUND",
        "feature_columns[1]",
        "'gene2'",
    ),
    "ignored column that is not there": (
        {"ignore_columns": ["agee"]},
        "COLUMN_NOT_FOUND",
        "ignore_columns[0]",
        "did you mean 'age'?",
    ),
    "key that is not there": (
        {"key_column": "Sample"},
        "COLUMN_NOT_FOUND",
        "key_column",
        "did you mean 'sample'?",
    ),
    "weight that is not there": (
        {"weight_column": "weights"},
        "COLUMN_NOT_FOUND",
        "weight_column",
        "did you mean 'weight'?",
    ),
    "target among the features": (
        {"feature_columns": ["gene1", "outcome"]},
        "COLUMN_ROLE_CONFLICT",
        "feature_columns[1]",
        "is target_column too",
    ),
    "feature twice": (
        {"feature_columns": ["gene1", "gene2", "gene1"]},
        "COLUMN_ROLE_CONFLICT",
        "feature_columns[2]",
        "is feature_columns[0] too",
    ),
    "key that is the target": (
        {"key_column": "outcome"},
        "COLUMN_ROLE_CONFLICT",
        "key_column",
        "is target_column too",
    ),
    "ignored feature": (
        {"feature_columns": ["gene1"], "ignore_columns": ["gene1"]},
        "COLUMN_ROLE_CONFLICT",
        "ignore_columns[0]",
        "is feature_columns[0] too",
    ),
    "weight of text": (
        {"weight_column": "tissue"},
        "COLUMN_ROLE_CONFLICT",
        "weight_column",
        "weights are numbers",
    ),
    "negative weight": (
        {"weight_column": "negative"},
        "COLUMN_ROLE_CONFLICT",
        "weight_column",
        "not negative",
    ),
    "weight with holes": (
        {"weight_column": "holey"},
        "COLUMN_ROLE_CONFLICT",
        "weight_column",
        "1 rows without a value",
    ),
    "only a sample id to predict from": (
        {"dataset_id": "bare"},
        "NO_FEATURE_COLUMNS",
        "feature_columns",
        "name some in feature_columns",
    ),
    "everything ignored": (
        {"dataset_id": "tiny", "ignore_columns": ["gene1"]},
        "NO_FEATURE_COLUMNS",
        "feature_columns",
        "no column left",
    ),
    "features that are all constant": (
        {"feature_columns": ["flat", "constant"]},
        "NO_FEATURE_COLUMNS",
        "feature_columns",
        "No feature has two different values in dataset 'cells', 'flat' for one",
    ),
    "constant target": (
        {"target_column": "constant"},
        "TARGET_SINGLE_CLASS",
        "target_column",
        "one value",
    ),
    "constant number": (
        {"target_column": "flat", "problem_type": "regression"},
        "TARGET_SINGLE_CLASS",
        "target_column",
        "one value",
    ),
    "class of two rows": (
        {"target_column": "rare"},
        "TARGET_CLASS_TOO_SMALL",
        "target_column",
        "class 'odd' has 2",
    ),
    "regression of text": (
        {"problem_type": "regression"},
        "TARGET_NOT_NUMERIC",
        "target_column",
        "regression needs numbers",
    ),
    "unknown problem": (
        {"problem_type": "ranking"},
        "PROBLEM_TYPE_UNKNOWN",
        "problem_type",
        "auto, classification, binary, multiclass, regression",
    ),
    "three classes as binary": (
        {"target_column": "tissue", "problem_type": "binary"},
        "PROBLEM_TYPE_MISMATCH",
        "problem_type",
        "multiclass",
    ),
    "classes of fractions": (
        {"target_column": "score", "problem_type": "classification"},
        "PROBLEM_TYPE_MISMATCH",
        "problem_type",
        "regression",
    ),
    "points in time": (
        {"target_column": "visit"},
        "PROBLEM_TYPE_MISMATCH",
        "problem_type",
        "timestamp",
    ),
    "strata of numbers": (
        {"target_column": "score", "split": {"strategy": "SPLIT_STRATEGY_STRATIFIED"}},
        "PROBLEM_TYPE_MISMATCH",
        "split.strategy",
        "SPLIT_STRATEGY_RANDOM",
    ),
    "unknown preset": (
        {"quality": "superb"},
        "PRESET_UNKNOWN",
        "quality",
        "best_quality, high_quality, good_quality, medium_quality",
    ),
    "unknown metric": ({"eval_metric": "luck"}, "METRIC_UNKNOWN", "eval_metric", "accuracy"),
    "metric of another problem": (
        {"eval_metric": "r2"},
        "METRIC_UNKNOWN",
        "eval_metric",
        "does not fit binary problems",
    ),
    "unknown family": (
        {"included_model_families": ["GBM", "TREE"]},
        "MODEL_FAMILY_UNKNOWN",
        "included_model_families[1]",
        "GBM, CAT, XGB",
    ),
    "unknown excluded family": (
        {"excluded_model_families": ["gbm"]},
        "MODEL_FAMILY_UNKNOWN",
        "excluded_model_families[0]",
        "GBM, CAT, XGB",
    ),
    "no family left": (
        {"included_model_families": ["GBM"], "excluded_model_families": ["GBM", "CAT"]},
        "MODEL_FAMILY_UNKNOWN",
        "excluded_model_families",
        "leaves no model family",
    ),
    "unknown class": (
        {"positive_class": "sick"},
        "POSITIVE_CLASS_UNKNOWN",
        "positive_class",
        "allowed are 'healthy', 'ill'",
    ),
    "class of a regression": (
        {"target_column": "score", "positive_class": "1"},
        "POSITIVE_CLASS_UNKNOWN",
        "positive_class",
        "regression problems have none",
    ),
    "no time": ({"time_limit": 0}, "TIME_LIMIT_OUT_OF_RANGE", "time_limit", "from 10 to 604800"),
    "negative time": ({"time_limit": -5}, "TIME_LIMIT_OUT_OF_RANGE", "time_limit", "is -5"),
    "years": (
        {"time_limit": 2_000_000_000},
        "TIME_LIMIT_OUT_OF_RANGE",
        "time_limit",
        "from 10 to 604800",
    ),
    "a deadline that has passed": (
        {"deadline_seconds": 0},
        "DEADLINE_OUT_OF_RANGE",
        "deadline_seconds",
        "from 1 to 2592000",
    ),
    "no held-out rows": (
        {"split": {"test_fraction": 0}},
        "TEST_FRACTION_OUT_OF_RANGE",
        "split.test_fraction",
        "from 0.01 to 0.9",
    ),
    "held-out share that is no number": (
        {"split": {"test_fraction": "NaN"}},
        "TEST_FRACTION_OUT_OF_RANGE",
        "split.test_fraction",
        "from 0.01 to 0.9",
    ),
    "no row held out": (
        {"dataset_id": "wide"}
        | {"split": {"strategy": "SPLIT_STRATEGY_RANDOM", "test_fraction": 0.01}},
        "DATASET_TOO_SMALL",
        "split.test_fraction",
        "holds 0 rows out",
    ),
    "too few rows left to train on": (
        {"dataset_id": "wide"}
        | {"split": {"strategy": "SPLIT_STRATEGY_RANDOM", "test_fraction": 0.9}},
        "DATASET_TOO_SMALL",
        "split.test_fraction",
        "10 must be left to train on",
    ),
    "too few rows": ({"dataset_id": "tiny"}, "DATASET_TOO_SMALL", "dataset_id", "at least 20"),
    "negative seed": ({"seed": -1}, "FIELD_INVALID", "seed", "from 0 to 2147483647"),
    "negative split seed": ({"split": {"seed": -1}}, "FIELD_INVALID", "split.seed", "from 0"),
    "name with a space": ({"model_name": "my model"}, "NAME_INVALID", "model_name", "letters"),
    "name like an id": ({"model_name": ULID}, "NAME_INVALID", "model_name", "shaped like"),
    "name like a path": ({"model_name": "list"}, "NAME_INVALID", "model_name", "none of list"),
    "long name": ({"model_name": "x" * 129}, "NAME_INVALID", "model_name", "1 to 128"),
    "experiment with a slash": ({"experiment": "a/b"}, "NAME_INVALID", "experiment", "letters"),
    "long description": (
        {"description": "x" * 2001},
        "FIELD_INVALID",
        "description",
        "up to 2000",
    ),
    "long tag": ({"tags": {"a": "x" * 257}}, "FIELD_INVALID", "tags", "256 characters"),
    "many tags": (
        {"tags": {str(n): "" for n in range(65)}},
        "FIELD_INVALID",
        "tags",
        "65 entries",
    ),
    "request id that is none": ({"request_id": "again"}, "FIELD_INVALID", "request_id", "UUID"),
}


def job_ids(jobs, credentials) -> list[str]:
    listed = jobs.ListJobs(ListJobsRequest(page_size=1000), metadata=credentials)
    return [job.job_id for job in listed.jobs]


def refusal(error: grpc.RpcError):
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    assert status is not None
    info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad_request)
    return status, info.reason, [violation.field for violation in bad_request.field_violations]


@pytest.mark.parametrize("validate_only", [False, True], ids=["start", "validate"])
@pytest.mark.parametrize(
    ("change", "reason", "field", "message"), REFUSALS.values(), ids=REFUSALS.keys()
)
def test_a_request_that_cannot_work_is_refused(
    change, reason, field, message, validate_only, stub, datasets, credentials, jobs
):
    before = job_ids(jobs, credentials)
    request = json_format.ParseDict({**GOOD, **change}, TrainRequest())
    request.validate_only = validate_only

    with pytest.raises(grpc.RpcError) as refused:
        stub.Train(request, metadata=credentials)

    status, found_reason, fields = refusal(refused.value)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert (found_reason, fields) == (reason, [field])
    assert message in status.message
    assert job_ids(jobs, credentials) == before


@pytest.mark.parametrize("dataset", ["no_such_set", ULID])
def test_an_unknown_dataset_is_not_found(dataset, stub, datasets, credentials, jobs):
    before = job_ids(jobs, credentials)

    with pytest.raises(grpc.RpcError) as refused:
        stub.Train(TrainRequest(dataset_id=dataset, target_column="y"), metadata=credentials)

    _, reason, _ = refusal(refused.value)
    assert (refused.value.code(), reason) == (grpc.StatusCode.NOT_FOUND, "DATASET_NOT_FOUND")
    assert job_ids(jobs, credentials) == before


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_without_a_valid_token_nothing_is_checked(token, stub, datasets):
    metadata = (("authorization", f"Bearer {token}"),) if token else ()

    with pytest.raises(grpc.RpcError) as refused:
        stub.Train(TrainRequest(), metadata=metadata)

    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
