"""What becomes of a request that can work."""

import uuid

import grpc
import pytest

from omniscope.automl.v1.automl_service_pb2 import ListPresetsRequest, TrainRequest
from omniscope.common.v1 import job_pb2, split_pb2
from omniscope.registry.v1.job_service_pb2 import GetJobRequest, ListJobsRequest
from omniscope_automl.convert import claim_to_spec
from omniscope_automl.spec import TrainSpec
from omniscope_ml.codec import decode
from tests.grpc.tables import WIDE_COLUMNS
from tests.grpc.training_suite import claim_job


def config_of(job: job_pb2.Job) -> TrainRequest:
    config = TrainRequest()
    assert job.config.Unpack(config)
    return config


def claim(job: job_pb2.Job, suite, workers):
    return claim_job(workers, suite.tokens.worker, "automl", job.job_id)


def test_a_training_is_queued_at_once(stub, datasets, credentials, jobs):
    job = stub.Train(
        TrainRequest(
            dataset_id="cells", target_column="outcome", description="first", tags={"lab": "7"}
        ),
        metadata=credentials,
    )

    assert job.state == job_pb2.JOB_STATE_QUEUED
    assert (job.service, job.model_type) == ("automl", "automl.tabular")
    assert (job.model_name, job.experiment) == ("cells-outcome-automl", "default")
    assert (job.description, dict(job.tags), job.created_by) == ("first", {"lab": "7"}, "local")
    assert [given.dataset_id for given in job.inputs] == [datasets["cells"].dataset_id]
    stored = jobs.GetJob(GetJobRequest(job_id=job.job_id), metadata=credentials)
    assert stored.config == job.config


def test_the_configuration_says_every_default(stub, datasets, credentials):
    job = stub.Train(
        TrainRequest(dataset_id="cells", target_column="outcome", seed=7), metadata=credentials
    )

    config = config_of(job)
    assert config.dataset_id == datasets["cells"].dataset_id
    assert (config.problem_type, config.positive_class) == ("binary", "ill")
    assert (config.time_limit, config.quality, config.eval_metric) == (
        600,
        "medium_quality",
        "accuracy",
    )
    assert (config.seed, config.split.seed) == (7, 7)
    assert config.split.strategy == split_pb2.SPLIT_STRATEGY_STRATIFIED
    assert config.split.test_fraction == 0.2
    assert (config.model_name, config.experiment) == ("cells-outcome-automl", "default")
    assert "gene1" in config.feature_columns
    assert not {"outcome", "sample"} & set(config.feature_columns)


def test_regression_has_its_own_defaults(stub, datasets, credentials):
    config = config_of(
        stub.Train(TrainRequest(dataset_id="cells", target_column="score"), metadata=credentials)
    )

    assert (config.problem_type, config.eval_metric) == ("regression", "root_mean_squared_error")
    assert config.split.strategy == split_pb2.SPLIT_STRATEGY_RANDOM
    assert config.positive_class == ""


def test_likely_keys_and_missing_labels_are_warned_about(stub, datasets, credentials):
    job = stub.Train(
        TrainRequest(dataset_id="cells", target_column="partial"), metadata=credentials
    )

    assert len(job.warnings) == 2
    assert "'sample' looks like a sample id" in job.warnings[0]
    assert "5 rows have no value in 'partial'" in job.warnings[1]


@pytest.mark.parametrize(
    "roles", [{"feature_columns": ["sample", "gene1"]}, {"key_column": "sample"}]
)
def test_a_likely_key_with_a_role_is_not_warned_about(roles, stub, datasets, credentials):
    job = stub.Train(
        TrainRequest(dataset_id="cells", target_column="outcome", **roles), metadata=credentials
    )

    assert not job.warnings
    in_features = "sample" in config_of(job).feature_columns
    assert in_features == ("feature_columns" in roles)


def test_columns_with_another_role_are_no_features(stub, datasets, credentials):
    job = stub.Train(
        TrainRequest(
            dataset_id="cells",
            target_column="outcome",
            key_column="sample",
            weight_column="weight",
            ignore_columns=["tissue", "flag"],
        ),
        metadata=credentials,
    )

    features = set(config_of(job).feature_columns)
    assert not features & {"outcome", "sample", "weight", "tissue", "flag"}
    assert {"gene1", "gene2", "gene3"} <= features


def test_many_columns_travel_beside_the_configuration(stub, datasets, credentials, suite, workers):
    job = stub.Train(
        TrainRequest(dataset_id="wide", target_column="outcome"), metadata=credentials
    )

    config = config_of(job)
    assert not config.feature_columns
    assert config.feature_columns_reference.count == WIDE_COLUMNS
    assert len(config.feature_columns_reference.digest) == 64
    spec = decode(TrainSpec, claim_to_spec(claim(job, suite, workers)))
    assert spec.feature_columns == tuple(f"g{number:03}" for number in range(WIDE_COLUMNS))


def test_a_worker_gets_the_spec_of_what_was_asked(stub, datasets, credentials, suite, workers):
    job = stub.Train(
        TrainRequest(
            dataset_id="cells",
            target_column="tissue",
            feature_columns=["gene2", "gene1"],
            time_limit=30,
            key_column="sample",
            weight_column="weight",
            excluded_model_families=["KNN"],
            model_name="mine",
        ),
        metadata=credentials,
    )

    spec = decode(TrainSpec, claim_to_spec(claim(job, suite, workers)))

    dataset = datasets["cells"]
    assert spec == TrainSpec(
        dataset_id=dataset.dataset_id,
        dataset_digest=dataset.digest,
        target_column="tissue",
        feature_columns=("gene2", "gene1"),
        problem_type="multiclass",
        positive_class=None,
        time_limit=30,
        quality="medium_quality",
        key_column="sample",
        weight_column="weight",
        split_strategy="stratified",
        test_fraction=0.2,
        split_seed=0,
        seed=0,
        eval_metric="accuracy",
        included_model_families=(),
        excluded_model_families=("KNN",),
        job_id=job.job_id,
        attempt=1,
    )


def test_validate_only_starts_nothing(stub, datasets, credentials, jobs):
    def listed() -> int:
        answer = jobs.ListJobs(ListJobsRequest(page_size=1000), metadata=credentials)
        return len(answer.jobs)

    before = listed()

    job = stub.Train(
        TrainRequest(dataset_id="cells", target_column="outcome", validate_only=True),
        metadata=credentials,
    )

    assert job.job_id == ""
    assert config_of(job).problem_type == "binary"
    assert job.warnings
    assert listed() == before


def test_the_same_request_id_returns_the_same_job(stub, datasets, credentials):
    request = TrainRequest(
        dataset_id="cells", target_column="outcome", request_id=str(uuid.uuid4())
    )

    first = stub.Train(request, metadata=credentials)
    again = stub.Train(request, metadata=credentials)
    request.time_limit = 60
    with pytest.raises(grpc.RpcError) as refused:
        stub.Train(request, metadata=credentials)

    assert again.job_id == first.job_id
    assert refused.value.code() == grpc.StatusCode.ALREADY_EXISTS


def test_the_same_request_without_an_id_is_another_job(stub, datasets, credentials):
    request = TrainRequest(dataset_id="cells", target_column="outcome")

    ids = {stub.Train(request, metadata=credentials).job_id for _ in range(2)}

    assert len(ids) == 2


def test_presets_are_listed_best_first(stub, credentials):
    presets = stub.ListPresets(ListPresetsRequest(), metadata=credentials).presets

    assert presets[0].name == "best_quality"
    assert [preset.name for preset in presets if preset.default_preset] == ["medium_quality"]
    assert all(preset.description for preset in presets)


def test_a_deadline_is_the_jobs(stub, datasets, credentials, jobs):
    request = TrainRequest(dataset_id="cells", target_column="outcome", deadline_seconds=900)

    job = stub.Train(request, metadata=credentials)

    left = job.deadline.ToDatetime() - job.create_time.ToDatetime()
    assert 899 < left.total_seconds() < 901
