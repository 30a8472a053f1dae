import io
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.table import Table

from omniscope.common.v1.artifact_pb2 import Artifact
from omniscope.common.v1.dataset_pb2 import Dataset
from omniscope.common.v1.job_input_pb2 import JobInput
from omniscope.common.v1.job_pb2 import JOB_STATE_QUARANTINED, Job
from omniscope.common.v1.model_pb2 import Model, ModelResults
from omniscope.registry.v1.artifact_service_pb2 import ListArtifactsResponse
from omniscope.registry.v1.dataset_service_pb2 import ListDatasetsResponse
from omniscope.registry.v1.job_service_pb2 import ListJobsResponse
from omniscope.registry.v1.model_service_pb2 import ListModelsResponse
from omniscope_client.render import amounts, tables
from tests.unit.omniscope_client.conftest import Canned

ULID = "01K0ABCDEFGHJKMNPQRSTVWXYZ"
LONG = "a-name-that-is-much-longer-than-any-terminal-has-room-for-in-one-of-its-columns"
MADE = Timestamp(seconds=1_700_000_000)


def printed(table: Table, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, markup=False)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


LISTS: dict[str, Callable[[], Table]] = {
    "datasets": lambda: tables.datasets(
        [Dataset(dataset_id=ULID, name=LONG, row_count=9_999_999, create_time=MADE)]
    ),
    "jobs": lambda: tables.jobs(
        [
            Job(
                job_id=ULID,
                model_name=LONG,
                state=JOB_STATE_QUARANTINED,
                message=LONG,
                inputs=[JobInput(role=LONG, dataset_id=ULID[::-1])],
            )
        ]
    ),
    "artifacts": lambda: tables.artifacts(
        [
            Artifact(
                artifact_id=ULID,
                kind=LONG,
                create_time=MADE,
                delete_time=MADE,
                inputs=[JobInput(role=LONG, model_id=ULID[::-1])],
            )
        ]
    ),
    "models": lambda: tables.models(
        [Model(model_id=ULID, name=LONG, architecture=LONG, metrics={"mcc": 0.5})]
    ),
}


@pytest.mark.parametrize("width", [80, 100, 200])
@pytest.mark.parametrize("make", LISTS.values(), ids=LISTS)
def test_a_list_has_one_line_per_row_and_whole_ids(make: Callable[[], Table], width: int) -> None:
    lines = printed(make(), width)

    assert len(lines) == 3
    assert ULID in lines[2].split()


@pytest.mark.parametrize(
    ("command", "method", "answer", "start"),
    [
        ("datasets", "ListDatasets", ListDatasetsResponse(), "omniscope datasets upload"),
        ("jobs", "ListJobs", ListJobsResponse(), "omniscope automl train"),
        ("models", "ListModels", ListModelsResponse(), "omniscope automl train"),
        ("artifacts", "ListArtifacts", ListArtifactsResponse(), "a job whose service makes one"),
    ],
)
def test_an_empty_list_names_the_command_that_starts_it(
    omniscope, canned: Canned, command: str, method: str, answer: object, start: str
) -> None:
    canned.answers[method] = answer

    assert start in omniscope(command, "list").out
    assert "None match" in omniscope(command, "list", "--filter", 'name = "x"').out


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (59, "59 s"), (61, "1 min"), (7300, "2 h"), (200_000, "2 d")],
)
def test_an_age_has_one_unit(seconds: int, text: str) -> None:
    now = datetime.fromtimestamp(MADE.seconds + seconds, UTC)

    assert amounts.age(MADE, now) == text
    assert amounts.age(Timestamp()) == "-"


def test_results_of_a_network_say_what_it_learned_with_and_how_it_ended() -> None:
    ending = "kept epoch 5 of 35: all epochs are done"
    results = ModelResults(settings={"optimizer": "adamw", "batch_size": "32"}, ending=ending)

    lines = [" ".join(line.split()) for line in printed(tables.chosen(Model(), results), 200)]

    assert "learned with batch_size 32, optimizer adamw" in lines
    assert f"ended {ending}" in lines


def test_results_of_other_models_leave_that_out() -> None:
    lines = printed(tables.chosen(Model(), ModelResults(best_model="GBM")), 200)

    assert not any(word in line for line in lines for word in ("learned", "ended"))


MODEL = JobInput(role="member", model_id="M1")
DATASET = JobInput(role="training", dataset_id="D1")


@pytest.mark.parametrize(
    ("inputs", "brief"),
    [
        ([], ""),
        ([DATASET], "dataset D1"),
        ([MODEL], "model M1"),
        ([MODEL, DATASET, MODEL], "2 models, 1 dataset"),
        ([MODEL] * 16, "16 inputs or more"),
    ],
)
def test_what_a_job_reads_is_told_on_one_line(inputs: list[JobInput], brief: str) -> None:
    assert tables.inputs_in_brief(inputs) == brief


def test_a_list_tells_the_artifacts_of_jobs() -> None:
    row = Job(job_id=ULID, artifact_kind="explanation", artifact_id="A1", inputs=[MODEL])

    line = printed(tables.jobs([row]), 100)[2]

    assert "explanation A1 of model M1" in line


def test_a_job_is_shown_with_what_it_reads_and_made() -> None:
    row = Job(artifact_kind="explanation", artifact_id="A1", inputs=[MODEL, DATASET])

    text = "\n".join(printed(tables.job(row), 100))

    assert "explanation A1" in text
    assert "member: model M1" in text
    assert "training: dataset D1" in text
