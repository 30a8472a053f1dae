"""What a service says of fields, in the words of the command line."""

import grpc
import pytest
import typer.main

from omniscope.common.v1.job_pb2 import Job
from omniscope_client.commands import automl, deeplearning, experiments
from omniscope_client.render.option_names import OPTIONS, in_options
from tests.unit.omniscope_client.conftest import Canned, Refusal


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name it in feature_columns or in key_column.", "name it in --feature or in --key."),
        ("leave them out by ignore_columns", "leave them out by --ignore"),
        ("training.batch_size is 0", "--batch-size is 0"),
        ("no column 'key_column'", "no column 'key_column'"),
        ("my_key_column is empty", "my_key_column is empty"),
        ("see training.csv", "see training.csv"),
        ("input_layout is 7 height x 7 width", "--layout is 7 height x 7 width"),
        ("input_layout.sequence is set", "input_layout.sequence is set"),
        ("name it in key_column.", "name it in --key."),
        ("the same seed gives the same weights", "the same seed gives the same weights"),
    ],
)
def test_only_names_of_fields_become_options(text: str, said: str) -> None:
    assert in_options(text) == said


def test_every_option_that_a_name_becomes_is_one_of_the_command_line() -> None:
    known = {
        option
        for group in (automl, deeplearning, experiments)
        for command in typer.main.get_group(group.app).commands.values()
        for parameter in command.params
        for option in parameter.opts
    }

    assert set(OPTIONS.values()) <= known


def test_notes_and_refusals_name_options(omniscope, canned: Canned) -> None:
    canned.answers["Train"] = Job(job_id="J1", warnings=["id is left out; see key_column."])
    note = omniscope("automl", "train", "t", "--target", "x").out
    canned.answers["Train"] = Refusal(
        grpc.StatusCode.INVALID_ARGUMENT, "seed is -1; allowed is 0.", "FIELD_INVALID", "seed"
    )
    refusal = omniscope("automl", "train", "t", "--target", "x", "--seed", "-1").err

    assert "note: id is left out; see --key." in note
    assert refusal == "error: --seed is -1; allowed is 0. [FIELD_INVALID, field seed]\n"
