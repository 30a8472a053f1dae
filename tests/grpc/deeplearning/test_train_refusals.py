"""Everything that can be known to be wrong is refused, with its field, before it is queued."""

from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from omniscope.deeplearning.v1.deep_learning_service_pb2 import TrainRequest
from omniscope.registry.v1.job_service_pb2 import ListJobsRequest

GOOD = {
    "dataset_id": "cells",
    "target_column": "outcome",
    "feature_columns": ["gene1", "gene2", "gene3"],
}

# What is changed in a good request; reason; field; what the message says.
REFUSALS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "no dataset": ({"dataset_id": ""}, "FIELD_REQUIRED", "dataset_id", "required"),
    "no target": ({"target_column": ""}, "FIELD_REQUIRED", "target_column", "required"),
    "target with a typo": (
        {"target_column": "outcom"},
        "COLUMN_NOT_FOUND",
        "target_column",
        "did you mean 'outcome'?",
    ),
    "label with one class": (
        {"target_column": "constant"},
        "TARGET_SINGLE_CLASS",
        "target_column",
        "one value",
    ),
    "regression of text": (
        {"problem_type": "regression"},
        "TARGET_NOT_NUMERIC",
        "target_column",
        "regression needs numbers",
    ),
    "features that are all constant": (
        {"feature_columns": ["flat", "constant"]},
        "NO_FEATURE_COLUMNS",
        "feature_columns",
        "No feature has two different values in dataset 'cells', 'flat' for one",
    ),
    "layout that does not fit the number of columns": (
        {"cnn1d": {}, "input_layout": {"sequence": {"steps": 2, "channels": 2}}},
        "LAYOUT_MISMATCH",
        "input_layout.sequence.steps",
        "= 4 values; the features give 3 columns",
    ),
    "image that does not fit": (
        {"cnn2d": {}, "input_layout": {"image": {"height": 2, "width": 2}}},
        "LAYOUT_MISMATCH",
        "input_layout.image.height",
        "= 4 values",
    ),
    "layout that does not fit the columns to keep": (
        {
            "cnn1d": {},
            "feature_selection": {"top_k": 2},
            "input_layout": {"sequence": {"steps": 3}},
        },
        "LAYOUT_MISMATCH",
        "input_layout.sequence.steps",
        "the features give 2 columns",
    ),
    "layout with more values than categories can give": (
        {
            "cnn1d": {},
            "feature_columns": ["gene1", "tissue"],
            "input_layout": {"sequence": {"steps": 6}},
        },
        "LAYOUT_MISMATCH",
        "input_layout.sequence.steps",
        "input_layout.sequence holds 6 values; the features give 2 to 5 columns",
    ),
    "layout with fewer values than columns, gaps or not": (
        {
            "cnn2d": {},
            "feature_columns": ["gene1", "holey"],
            "preprocessing": {"indicators": True},
            "input_layout": {"image": {"height": 1, "width": 1}},
        },
        "LAYOUT_MISMATCH",
        "input_layout.image.height",
        "the features give 2 to 3 columns",
    ),
    "layout that the network does not read": (
        {"mlp": {}, "input_layout": {"sequence": {"steps": 3}}},
        "LAYOUT_MISMATCH",
        "input_layout.sequence",
        "mlp reads flat",
    ),
    "sequence without steps": (
        {"gru": {}, "input_layout": {"sequence": {"channels": 3}}},
        "FIELD_INVALID",
        "input_layout.sequence.steps",
        "1 to 1000000",
    ),
    "negative channels": (
        {"gru": {}, "input_layout": {"sequence": {"steps": 3, "channels": -1}}},
        "FIELD_INVALID",
        "input_layout.sequence.channels",
        "1 to 1000000",
    ),
    "unknown order": (
        {"gru": {}, "input_layout": {"sequence": {"steps": 3, "order": "backwards"}}},
        "FIELD_INVALID",
        "input_layout.sequence.order",
        "channels_first",
    ),
    "heads that do not divide the width": (
        {"transformer": {"width": 64, "heads": 7}},
        "FIELD_INVALID",
        "transformer.heads",
        "allowed are 1, 2, 4, 8, 16, 32, 64",
    ),
    "network that is too narrow": (
        {"mlp": {"width": 1}},
        "FIELD_INVALID",
        "mlp.width",
        "int from 4 to 4096",
    ),
    "network without layers": (
        {"lstm": {"depth": 0}},
        "FIELD_INVALID",
        "lstm.depth",
        "from 1 to 12",
    ),
    "dropout of everything": (
        {"mlp": {"input_dropout": 1.0}},
        "FIELD_INVALID",
        "mlp.input_dropout",
        "from 0 to 0.9",
    ),
    "batches above the rows": (
        {"training": {"batch_size": 61}},
        "FIELD_INVALID",
        "training.batch_size",
        "at most 39 of 60 rows",
    ),
    "batches above the rows that train": (
        {"training": {"batch_size": 40}},
        "FIELD_INVALID",
        "training.batch_size",
        "allowed is 1 to 39",
    ),
    "unknown optimizer": (
        {"training": {"optimizer": "lion"}},
        "FIELD_INVALID",
        "training.optimizer",
        "allowed is adamw, adam, sgd",
    ),
    "unknown schedule": (
        {"training": {"schedule": "stairs"}},
        "FIELD_INVALID",
        "training.schedule",
        "cosine",
    ),
    "unknown precision": (
        {"training": {"precision": "8"}},
        "FIELD_INVALID",
        "training.precision",
        "bf16",
    ),
    "unknown class weights": (
        {"training": {"class_weights": "square"}},
        "FIELD_INVALID",
        "training.class_weights",
        "balanced",
    ),
    "no epoch": ({"training": {"epochs": 0}}, "FIELD_INVALID", "training.epochs", "1 to 100000"),
    "learning rate of 0": (
        {"training": {"learning_rate": 0}},
        "FIELD_INVALID",
        "training.learning_rate",
        "0.00000001 to 10",
    ),
    "learning rate that is no number": (
        {"training": {"learning_rate": "NaN"}},
        "FIELD_INVALID",
        "training.learning_rate",
        "0.00000001 to 10",
    ),
    "warm-up without end": (
        {"training": {"epochs": 5, "warmup_epochs": 5}},
        "FIELD_INVALID",
        "training.warmup_epochs",
        "0 to 4",
    ),
    "no time": (
        {"training": {"max_seconds": 0}},
        "FIELD_INVALID",
        "training.max_seconds",
        "1 to 2592000",
    ),
    "class weights of a regression": (
        {"target_column": "score", "training": {"class_weights": "balanced"}},
        "FIELD_INVALID",
        "training.class_weights",
        "regression has no classes",
    ),
    "text that is not to be encoded": (
        {"feature_columns": ["gene1", "tissue"], "preprocessing": {"encoding": "refuse"}},
        "FEATURE_NOT_NUMERIC",
        "preprocessing.encoding",
        "text is in 1 of 2 features, 'tissue' for one",
    ),
    "gaps that are not to be filled": (
        {"feature_columns": ["gene1", "holey"], "preprocessing": {"missing_values": "refuse"}},
        "MISSING_VALUES",
        "preprocessing.missing_values",
        "gaps are in 1 of 2 features, most in 'holey' with 1",
    ),
    "unknown encoding": (
        {"preprocessing": {"encoding": "hash"}},
        "FIELD_INVALID",
        "preprocessing.encoding",
        "one_hot, refuse",
    ),
    "unknown imputation": (
        {"preprocessing": {"imputation": "guess"}},
        "FIELD_INVALID",
        "preprocessing.imputation",
        "median",
    ),
    "unknown scaling": (
        {"preprocessing": {"scaling": "max"}},
        "FIELD_INVALID",
        "preprocessing.scaling",
        "robust",
    ),
    "unknown accelerator": (
        {"resources": {"accelerator": "tpu"}},
        "FIELD_INVALID",
        "resources.accelerator",
        "auto, cpu, gpu",
    ),
    "no device": (
        {"resources": {"devices": 0}},
        "FIELD_INVALID",
        "resources.devices",
        "from 1 to 64",
    ),
    "folds": (
        {"split": {"folds": 5}},
        "FIELD_INVALID",
        "split.folds",
        "split.validation_fraction",
    ),
    "no number of folds either": (
        {"split": {"folds": -1}},
        "FIELD_INVALID",
        "split.folds",
        "cannot be set",
    ),
    "a word that is no word": (
        {"training": {"optimizer": "a" * 5000}},
        "FIELD_INVALID",
        "training.optimizer",
        "'aaaaaaaaaaaa...aaaaaaaaaaaaa'; allowed is adamw, adam, sgd",
    ),
    "split column without rows that validate": (
        {"split_column": "fold"},
        "SPLIT_PART_EMPTY",
        "split_column",
        "mark some as validation",
    ),
    "held-out share of everything": (
        {"split": {"test_fraction": 1.0}},
        "TEST_FRACTION_OUT_OF_RANGE",
        "split.test_fraction",
        "0.01 to 0.9",
    ),
    "name like an id": (
        {"model_name": "01J9ZQ4T9V8XKQ2W3E4R5T6Y7Z"},
        "NAME_INVALID",
        "model_name",
        "not shaped like",
    ),
    "request id that is none": (
        {"request_id": "mine"},
        "FIELD_INVALID",
        "request_id",
        "not a UUID",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_it_is_refused_with_its_field(case, stub, datasets, credentials, jobs):
    change, reason, field, said = REFUSALS[case]
    before = job_ids(jobs, credentials)
    request = json_format.ParseDict({**GOOD, **change}, TrainRequest())

    with pytest.raises(grpc.RpcError) as refused:
        stub.Train(request, metadata=credentials)

    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert said in (refused.value.details() or "")
    assert found_in(refused.value) == (reason, field)
    assert job_ids(jobs, credentials) == before


def test_a_dataset_that_is_not_there_is_not_found(stub, credentials):
    with pytest.raises(grpc.RpcError) as refused:
        stub.Train(TrainRequest(dataset_id="none", target_column="y"), metadata=credentials)

    assert refused.value.code() == grpc.StatusCode.NOT_FOUND


def job_ids(jobs, credentials) -> list[str]:
    listed = jobs.ListJobs(ListJobsRequest(page_size=1000), metadata=credentials).jobs
    return [job.job_id for job in listed]


def found_in(error: Any) -> tuple[str, str]:
    """Return reason and field of an error's details."""
    status = rpc_status.from_call(error)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    return info.reason, bad.field_violations[0].field
