import json

import grpc
import pytest
from google.protobuf.struct_pb2 import Value

from omniscope.common.v1.dataset_pb2 import Dataset
from omniscope.common.v1.job_event_pb2 import LeaderboardEntry
from omniscope.common.v1.job_pb2 import JOB_STATE_CANCELLED, JOB_STATE_QUEUED, Job
from omniscope.common.v1.metric_pb2 import ConfusionMatrix, MetricSet
from omniscope.common.v1.model_pb2 import ModelResults
from omniscope.registry.v1.dataset_service_pb2 import PreviewColumn, PreviewDatasetResponse
from tests.unit.omniscope_client.conftest import Canned, Refusal
from tests.unit.omniscope_client.test_models import FILES, MANIFEST, PLOTS, send, send_plots
from tests.unit.omniscope_client.test_training import SUCCESS, changed, snapshot


@pytest.fixture
def results(canned: Canned) -> None:
    canned.answers["GetModelResults"] = ModelResults(
        model_id="M1",
        best_model="CatBoost",
        positive_class="liver",
        metrics=[
            MetricSet(split="validation", rows=30, values={"accuracy": 0.9}),
            MetricSet(split="test", rows=37, values={"roc_auc": 0.99, "accuracy": 0.973}),
        ],
        confusion_matrix=ConfusionMatrix(classes=["kidney", "liver"], counts=[20, 1, 0, 16]),
        leaderboard=[
            LeaderboardEntry(model="CatBoost", score_validation=0.9, score_test=0.8),
            LeaderboardEntry(model="KNN", score_validation=0.5, score_test=0.4),
        ],
    )


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["datasets", "list"], "tissues"),
        (["datasets", "show", "tissues"], "gene[red]"),
        (["automl", "presets"], "medium_quality (default)"),
        (["automl", "leaderboard", "J1"], "candidate"),
        (["jobs", "list"], "succeeded"),
        (["jobs", "show", "J1"], "running"),
        (["jobs", "cancel", "J1"], "its end was asked for"),
        (["jobs", "retry", "J1"], "Job J2 repeats J1"),
        (["jobs", "delete", "J1"], "Job J1 is deleted"),
        (["datasets", "delete", "tissues"], "tissues (version 1) is deleted"),
        (["models", "list"], "tissues-tissue-automl"),
        (["models", "show", "M1"], "tissues-tissue-automl (version 1)"),
        (["models", "results", "M1"], "metric"),
        (["models", "lineage", "M1"], "made of"),
        (["models", "delete", "M1"], "is deleted"),
    ],
)
def test_every_command_speaks_to_people_and_to_programs(omniscope, command, shown) -> None:
    for_people, for_programs = omniscope(*command), omniscope(*command, "--json")

    assert (for_people.code, for_programs.code) == (0, 0)
    assert shown in for_people.out
    assert isinstance(json.loads(for_programs.out), dict)


def test_json_keeps_the_names_and_the_zeros_of_the_api(omniscope) -> None:
    document = json.loads(omniscope("jobs", "show", "J1", "--json").out)

    assert document["job_id"] == "J1"
    assert document["attempt"] == 0
    assert document["state"] == "JOB_STATE_RUNNING"


def test_a_file_is_uploaded_and_described(omniscope, tmp_path) -> None:
    (tmp_path / "tissues.csv").write_text("a,b\n1,2\n")

    outcome = omniscope("datasets", "upload", str(tmp_path / "tissues.csv"))

    assert outcome.code == 0
    assert "tissues (version 1)" in outcome.out


def test_every_option_of_a_training_reaches_the_request(omniscope, canned: Canned) -> None:
    outcome = omniscope(
        *("automl", "train", "tissues", "--target", "tissue", "--feature", "A", "--feature", "B"),
        *("--ignore", "C", "--key", "id", "--weight", "w", "--problem-type", "binary"),
        *("--time-limit", "60", "--quality", "best_quality", "--metric", "f1", "--include", "GBM"),
        *("--exclude", "KNN", "--positive-class", "yes", "--test-fraction", "0.3", "--seed", "0"),
        *("--name", "n", "--description", "d", "--tag", "a=b=c", "--experiment", "e"),
        *("--request-id", "r"),
    )

    (request,) = canned.requests["Train"]
    assert outcome.code == 0
    assert (request.dataset_id, request.target_column) == ("tissues", "tissue")
    assert list(request.feature_columns) == ["A", "B"]
    assert list(request.ignore_columns) == ["C"]
    assert (request.key_column, request.weight_column) == ("id", "w")
    assert (request.problem_type, request.time_limit) == ("binary", 60)
    assert (request.quality, request.eval_metric) == ("best_quality", "f1")
    assert list(request.included_model_families) == ["GBM"]
    assert list(request.excluded_model_families) == ["KNN"]
    assert request.positive_class == "yes"
    assert request.split.test_fraction == pytest.approx(0.3)
    assert request.HasField("seed")
    assert (request.model_name, request.description) == ("n", "d")
    assert dict(request.tags) == {"a": "b=c"}
    assert (request.experiment, request.request_id) == ("e", "r")


def test_what_is_not_given_is_left_to_the_service(omniscope, canned: Canned) -> None:
    omniscope("automl", "train", "tissues", "--target", "tissue")

    (request,) = canned.requests["Train"]
    assert not request.HasField("time_limit")
    assert not request.HasField("seed")
    assert not request.HasField("split")
    assert request.request_id


def test_a_tag_without_a_value_is_wrong_usage(omniscope, canned: Canned) -> None:
    outcome = omniscope("automl", "train", "tissues", "--target", "tissue", "--tag", "plain")

    assert outcome.code == 2
    assert "KEY=VALUE" in outcome.err
    assert "Train" not in canned.requests


def test_warnings_of_an_accepted_training_are_shown(omniscope, canned: Canned) -> None:
    canned.answers["Train"] = Job(
        job_id="J1", state=JOB_STATE_QUEUED, warnings=["sample_id is left out."]
    )

    assert (
        "note: sample_id is left out."
        in omniscope("automl", "train", "tissues", "--target", "tissue").out
    )


def test_validation_alone_starts_nothing(omniscope, canned: Canned) -> None:
    outcome = omniscope("automl", "train", "t", "--target", "x", "--validate-only", "--watch")

    assert canned.requests["Train"][0].validate_only
    assert "nothing was started" in outcome.out
    assert "WatchJob" not in canned.requests


@pytest.mark.usefixtures("results")
def test_a_watched_training_ends_with_its_held_out_metrics(omniscope, canned: Canned) -> None:
    canned.answers["WatchJob"] = SUCCESS

    outcome = omniscope("automl", "train", "tissues", "--target", "tissue", "--watch")

    assert outcome.code == 0
    assert "CatBoost: validation accuracy 0.9500" in outcome.out
    assert "test (37 rows)" in outcome.out
    assert "validation (30 rows)" not in outcome.out
    assert outcome.out.index("0.9730") < outcome.out.index("0.9900")
    assert "omniscope models download" in outcome.out


def test_a_watch_for_programs_is_one_event_per_line(omniscope, canned: Canned) -> None:
    canned.answers["WatchJob"] = SUCCESS

    outcome = omniscope("automl", "train", "tissues", "--target", "tissue", "--watch", "--json")

    events = [json.loads(line) for line in outcome.out.splitlines()]
    assert outcome.code == 0
    assert len(events) == len(SUCCESS)
    assert "snapshot" in events[0]
    assert events[-1]["state_changed"]["to_state"] == "JOB_STATE_SUCCEEDED"


@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["people", "programs"])
def test_a_job_that_ends_without_success_has_an_exit_code_of_its_own(
    omniscope, canned: Canned, as_json: list[str]
) -> None:
    canned.answers["WatchJob"] = [snapshot(), changed(JOB_STATE_CANCELLED, message="Cancelled.")]

    assert omniscope("jobs", "watch", "J1", *as_json).code == 4


def test_interrupting_a_watch_leaves_the_job_alone(
    omniscope, canned: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: object, **kwargs: object):
        raise KeyboardInterrupt

    monkeypatch.setattr("omniscope_client.jobs.Jobs.watch", interrupted)

    outcome = omniscope("jobs", "watch", "J1")

    assert outcome.code == 130
    assert "omniscope jobs cancel J1" in outcome.err
    assert "CancelJob" not in canned.requests


@pytest.mark.usefixtures("results")
def test_results_show_every_part_and_the_confusion(omniscope) -> None:
    text = omniscope("models", "results", "M1").out

    assert "validation (30 rows)" in text
    assert "kidney" in text
    assert "tissues-tissue-automl (version 1): CatBoost" in text
    assert "positive class  liver" in " ".join(text.splitlines())
    assert "held out" in text


@pytest.mark.usefixtures("results")
def test_results_of_one_candidate_have_no_leaderboard(omniscope, canned: Canned) -> None:
    del canned.answers["GetModelResults"].leaderboard[1:]

    text = omniscope("models", "results", "M1").out

    assert "validation (30 rows)" in text
    assert "candidate" not in text


def test_a_preview_counts_all_columns_that_it_does_not_show(omniscope, canned: Canned) -> None:
    canned.answers["GetDataset"] = Dataset(dataset_id="D1", name="wide", column_count=20_000)
    canned.answers["PreviewDataset"] = PreviewDatasetResponse(
        columns=[PreviewColumn(name=f"gene{n}", values=[Value(number_value=n)]) for n in range(50)]
    )

    whole = omniscope("datasets", "preview", "wide")
    named = omniscope("datasets", "preview", "wide", "--column", "gene1")

    shown = whole.out.count("gene")
    assert f"and {20_000 - shown:,} more columns" in " ".join(whole.out.split())
    assert f"and {50 - shown} more columns" in " ".join(named.out.split())


def test_a_model_is_downloaded_into_a_folder_of_its_name(
    omniscope, canned: Canned, tmp_path
) -> None:
    send(canned, {**FILES, "manifest.json": MANIFEST})
    canned.answers["GetModel"].MergeFrom(type(canned.answers["GetModel"])(name="m", version=3))

    outcome = omniscope("models", "download", "m")

    assert outcome.code == 0
    assert (tmp_path / "m-3" / "MLmodel").is_file()
    assert 'load_model("m-3")' in outcome.out


def test_plots_are_saved_into_a_folder_of_the_models_name(
    omniscope, canned: Canned, tmp_path
) -> None:
    send_plots(canned, PLOTS)

    outcome = omniscope("models", "plots", "m")
    again = omniscope("models", "plots", "m", "pictures", "--json")

    assert outcome.out.split() == ["m-3-plots/roc.png", "m-3-plots/roc.svg"]
    assert (tmp_path / "m-3-plots" / "roc.png").read_bytes() == PLOTS["plots/roc.png"]
    assert json.loads(again.out) == {
        "model_id": "M1",
        "files": ["pictures/roc.png", "pictures/roc.svg"],
    }


def test_an_error_is_one_line_with_reason_field_and_fix(omniscope, canned: Canned) -> None:
    canned.answers["Train"] = Refusal(
        grpc.StatusCode.NOT_FOUND, "No dataset 'x'.", "DATASET_NOT_FOUND", "dataset_id"
    )

    outcome = omniscope("automl", "train", "x", "--target", "y")

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        "error: No dataset 'x'. [DATASET_NOT_FOUND, field dataset_id] "
        "`omniscope datasets list` shows what there is.\n"
    )


def test_an_error_for_programs_is_a_document(omniscope, canned: Canned) -> None:
    canned.answers["GetJob"] = Refusal(grpc.StatusCode.NOT_FOUND, "No job.", "JOB_NOT_FOUND")

    outcome = omniscope("jobs", "show", "J9", "--json")

    assert outcome.code == 1
    assert json.loads(outcome.err)["error"] == {
        "code": "NOT_FOUND",
        "reason": "JOB_NOT_FOUND",
        "field": "",
        "message": "No job.",
    }


@pytest.mark.parametrize(
    ("refusal", "fix"),
    [
        (Refusal(grpc.StatusCode.UNAVAILABLE, "no upstream"), "omniscope up --detach"),
        (
            Refusal(grpc.StatusCode.UNAUTHENTICATED, "Unknown token.", "TOKEN_INVALID"),
            "OMNISCOPE_TOKEN_FILE",
        ),
    ],
)
def test_what_keeps_us_from_the_suite_has_an_exit_code_of_its_own(
    omniscope, canned: Canned, refusal: Refusal, fix: str
) -> None:
    canned.answers["ListJobs"] = refusal

    outcome = omniscope("jobs", "list")

    assert outcome.code == 3
    assert fix in outcome.err


def test_a_file_that_is_not_there_is_wrong_usage(omniscope) -> None:
    outcome = omniscope("datasets", "upload", "missing.csv")

    assert outcome.code == 2
    assert "missing.csv" in outcome.err


def test_help_names_the_exit_codes(omniscope) -> None:
    assert "130 interrupted" in " ".join(omniscope("--help").out.split())
