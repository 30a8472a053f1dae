"""What becomes of a request that can work."""

import uuid

import grpc
import pytest

from omniscope.common.v1 import job_pb2, split_pb2
from omniscope.common.v1.feature_selection_pb2 import FeatureSelection
from omniscope.common.v1.resources_pb2 import Resources
from omniscope.deeplearning.v1.architectures_pb2 import Recurrent, Transformer
from omniscope.deeplearning.v1.deep_learning_service_pb2 import (
    ListArchitecturesRequest,
    TrainRequest,
)
from omniscope.deeplearning.v1.training_pb2 import (
    InputLayout,
    Preprocessing,
    SequenceLayout,
    TrainingOptions,
)
from omniscope.registry.v1.job_service_pb2 import GetJobRequest, GetJobStatusRequest
from omniscope_deeplearning import options
from omniscope_deeplearning.convert import claim_to_spec
from omniscope_deeplearning.spec import TrainSpec
from omniscope_ml.codec import decode
from omniscope_ml.networks.architectures import ARCHITECTURES
from omniscope_ml.networks.layout import InputLayout as Layout
from tests.grpc.tables import WIDE_COLUMNS
from tests.grpc.training_suite import claim_job

GENES = ["gene1", "gene2", "gene3"]


def request_of(**fields) -> TrainRequest:
    return TrainRequest(
        **{"dataset_id": "cells", "target_column": "outcome", "feature_columns": GENES, **fields}
    )


def config_of(job: job_pb2.Job) -> TrainRequest:
    config = TrainRequest()
    assert job.config.Unpack(config)
    return config


def spec_of(job: job_pb2.Job, suite, workers) -> TrainSpec:
    grant = claim_job(workers, suite.tokens.worker, "deeplearning", job.job_id)
    return decode(TrainSpec, claim_to_spec(grant, "cpu"))


def test_a_training_is_queued_at_once(stub, datasets, credentials, jobs):
    job = stub.Train(
        request_of(lstm=Recurrent(), description="first", tags={"lab": "7"}), metadata=credentials
    )

    assert job.state == job_pb2.JOB_STATE_QUEUED
    assert (job.service, job.model_type) == ("deeplearning", "deeplearning.lstm")
    assert (job.model_name, job.experiment) == ("cells-outcome-deeplearning", "default")
    assert (job.description, dict(job.tags), job.created_by) == ("first", {"lab": "7"}, "local")
    assert [given.dataset_id for given in job.inputs] == [datasets["cells"].dataset_id]
    stored = jobs.GetJob(GetJobRequest(job_id=job.job_id), metadata=credentials)
    assert stored.config == job.config


def test_the_configuration_says_every_default_that_no_row_decides(stub, datasets, credentials):
    config = config_of(stub.Train(request_of(seed=7), metadata=credentials))

    assert config.dataset_id == datasets["cells"].dataset_id
    assert (config.problem_type, config.positive_class) == ("binary", "ill")
    assert config.WhichOneof("architecture") == "mlp"
    assert (config.mlp.width, config.mlp.depth, config.mlp.input_dropout) == (128, 2, 0.0)
    assert (config.seed, config.split.seed) == (7, 7)
    assert config.split.strategy == split_pb2.SPLIT_STRATEGY_STRATIFIED
    assert (config.split.test_fraction, config.split.validation_fraction) == (0.2, 0.2)
    assert (config.resources.accelerator, config.resources.devices) == ("auto", 1)
    assert config.preprocessing == Preprocessing(
        missing_values="impute", imputation="median", scaling="standard", encoding="one_hot"
    )
    assert config.training == TrainingOptions(
        epochs=200,
        schedule="cosine",
        warmup_epochs=0,
        patience=30,
        gradient_clip=1.0,
        accumulation=1,
        label_smoothing=0.0,
        class_weights="none",
        precision="auto",
        deterministic=True,
        max_seconds=86_400,
        checkpoint_minutes=0.0,
    )


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_is_accepted_with_its_own_defaults(name, stub, datasets, credentials):
    request = request_of()
    getattr(request, name).SetInParent()

    config = config_of(stub.Train(request, metadata=credentials))

    defaults = {known.name: known.default for known in ARCHITECTURES[name].parameters}
    network = getattr(config, name)
    assert {field: getattr(network, field) for field in defaults} == defaults
    assert {field.name for field in network.DESCRIPTOR.fields} == set(defaults)


def test_a_worker_gets_the_spec_of_what_was_asked(stub, datasets, credentials, suite, workers):
    job = stub.Train(
        request_of(
            target_column="tissue",
            transformer=Transformer(width=16, heads=2),
            input_layout=InputLayout(sequence=SequenceLayout(steps=3)),
            preprocessing=Preprocessing(missing_values="refuse", scaling="robust", log1p=True),
            training=TrainingOptions(epochs=5, patience=0, gradient_clip=0, batch_size=8),
            resources=Resources(accelerator="cpu", devices=2),
            key_column="sample",
            weight_column="weight",
            group_column="patient",
        ),
        metadata=credentials,
    )

    assert spec_of(job, suite, workers) == TrainSpec(
        dataset_id=datasets["cells"].dataset_id,
        dataset_digest=datasets["cells"].digest,
        target_column="tissue",
        feature_columns=tuple(GENES),
        problem_type="multiclass",
        architecture="transformer",
        job_id=job.job_id,
        attempt=1,
        accelerator="cpu",
        parameters={"width": 16, "depth": 2, "heads": 2, "patch": 0},
        input_layout=Layout(kind="sequence", steps=3, channels=1),
        training=options.TrainingOptions(
            epochs=5,
            patience=None,
            gradient_clip=None,
            batch_size=8,
            devices=2,
            max_seconds=86_400,
        ),
        key_column="sample",
        weight_column="weight",
        split_strategy="group",
        split_column="patient",
        missing_values="refuse",
        scaling="robust",
        log1p=True,
    )


def test_many_columns_travel_beside_the_configuration(stub, datasets, credentials, suite, workers):
    job = stub.Train(
        TrainRequest(dataset_id="wide", target_column="outcome"), metadata=credentials
    )

    config = config_of(job)
    assert not config.feature_columns
    assert config.feature_columns_reference.count == WIDE_COLUMNS
    assert len(spec_of(job, suite, workers).feature_columns) == WIDE_COLUMNS


def test_a_gpu_job_waits_for_a_gpu_worker_and_says_so(stub, datasets, credentials, jobs):
    job = stub.Train(request_of(resources=Resources(accelerator="gpu")), metadata=credentials)

    status = jobs.GetJobStatus(GetJobStatusRequest(job_id=job.job_id), metadata=credentials)

    assert status.status == "queued"
    assert status.message == (
        "Waiting for a gpu worker of deeplearning; none has announced itself."
    )


@pytest.mark.parametrize("steps", [2, 5])
def test_a_layout_that_categories_may_fill_is_left_to_the_training(
    steps, stub, datasets, credentials
):
    request = request_of(
        feature_columns=["gene1", "tissue"],
        gru=Recurrent(),
        input_layout=InputLayout(sequence=SequenceLayout(steps=steps)),
    )

    job = stub.Train(request, metadata=credentials)

    assert job.state == job_pb2.JOB_STATE_QUEUED


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"feature_selection": FeatureSelection(top_k=5000)},
            "feature_selection.top_k is 5000 and there are 3 features: all of them are used.",
        ),
        (
            {"transformer": Transformer(patch=600)},
            "transformer.patch is 600 and a row has at most 3 values: they become one token.",
        ),
    ],
)
def test_what_can_hardly_be_meant_is_warned_about(change, said, stub, datasets, credentials):
    job = stub.Train(request_of(**change), metadata=credentials)

    assert list(job.warnings) == [said]


def test_what_just_fits_is_not_warned_about(stub, datasets, credentials):
    fitting = {"feature_selection": FeatureSelection(top_k=3), "transformer": Transformer(patch=3)}

    job = stub.Train(request_of(**fitting), metadata=credentials)

    assert not job.warnings


def test_validate_only_starts_nothing(stub, datasets, credentials):
    job = stub.Train(request_of(validate_only=True), metadata=credentials)

    assert job.job_id == ""
    assert config_of(job).training.epochs == 200


def test_the_same_request_id_returns_the_same_job(stub, datasets, credentials):
    request = request_of(request_id=str(uuid.uuid4()))

    first = stub.Train(request, metadata=credentials)
    again = stub.Train(request, metadata=credentials)
    request.training.epochs = 3
    with pytest.raises(grpc.RpcError) as refused:
        stub.Train(request, metadata=credentials)

    assert again.job_id == first.job_id
    assert refused.value.code() == grpc.StatusCode.ALREADY_EXISTS


def test_architectures_are_listed_with_defaults_and_ranges(stub, credentials):
    listed = stub.ListArchitectures(ListArchitecturesRequest(), metadata=credentials).architectures

    oneof = TrainRequest.DESCRIPTOR.oneofs_by_name["architecture"]
    assert [known.name for known in listed] == [field.name for field in oneof.fields]
    assert [known.name for known in listed if known.default_architecture] == ["mlp"]
    transformer = {known.name: known for known in listed}["transformer"]
    assert list(transformer.layouts) == ["flat", "sequence"]
    heads = {parameter.name: parameter for parameter in transformer.parameters}["heads"]
    assert (heads.type, heads.default_value, heads.minimum, heads.maximum) == ("int", 4, 1, 64)
    assert all(known.description and known.suited_for for known in listed)
