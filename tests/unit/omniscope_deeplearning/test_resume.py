"""A training that was interrupted goes on as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys

import pytest

from omniscope_ml.codec import encode
from omniscope_ml.networks.architectures import ARCHITECTURES
from omniscope_service.jobs.report import JobPaths
from tests.unit.omniscope_deeplearning.conftest import (
    DIGITS,
    ROWS_OF_PIXELS,
    RecordedReport,
    quick,
    table_input,
)

LAYOUTS = {"cnn2d": DIGITS, "mlp": None}


def digits_spec(make_spec, architecture, **options):
    layout = LAYOUTS.get(architecture, ROWS_OF_PIXELS)
    given = {} if layout is None else {"input_layout": layout}
    small = {"epochs": 3, "batch_size": 32, "dropout": 0.2, **options}
    return make_spec("digits", architecture, options=small, **given)


def ask_for_the_end(after):
    def ask(epoch):
        if epoch == after:
            os.kill(os.getpid(), signal.SIGTERM)

    return ask


@pytest.mark.parametrize("architecture", quick(ARCHITECTURES, "mlp"))
def test_an_interrupted_training_gives_the_weights_of_an_uninterrupted_one(
    train_network, make_spec, tmp_path, architecture
):
    spec = digits_spec(make_spec, architecture)
    whole = train_network(spec, "digits")

    with pytest.raises(SystemExit):
        train_network(
            spec, "digits", RecordedReport(on_epoch=ask_for_the_end(after=0), resume=tmp_path)
        )
    state = json.loads((tmp_path / "state.json").read_text())["state"]
    resumed = train_network(spec, "digits", resume=tmp_path)

    # The end was asked for between two epochs and heard within the next.
    assert state["epoch"] == 1
    assert 1 <= state["epoch_step"] <= 20
    assert resumed.weights == whole.weights
    losses = [[e["train_loss"] for e in t.curves["epochs"]] for t in (whole, resumed)]
    assert losses[0] == losses[1]
    assert resumed.report.metrics[0]["epoch"] == 1


SCHEDULES = [
    {"schedule": "plateau", "patience": 3, "optimizer": "sgd", "epochs": 6},
    {"schedule": "one_cycle", "accumulation": 2},
]


@pytest.mark.slow
@pytest.mark.parametrize("options", SCHEDULES)
def test_schedules_and_other_optimizers_go_on_exactly_too(
    train_network, make_spec, tmp_path, options
):
    spec = digits_spec(make_spec, "mlp", **options)
    whole = train_network(spec, "digits")

    with pytest.raises(SystemExit):
        train_network(
            spec, "digits", RecordedReport(on_epoch=ask_for_the_end(after=1), resume=tmp_path)
        )

    assert train_network(spec, "digits", resume=tmp_path).weights == whole.weights


@pytest.mark.slow  # a process that imports torch
def test_a_killed_training_goes_on_from_its_checkpoint(train_network, make_spec, stored, tmp_path):
    spec = digits_spec(make_spec, "mlp")
    whole = train_network(spec, "digits")
    (tmp_path / "kept").mkdir()
    paths = JobPaths.below(tmp_path, [table_input(stored["digits"])])
    paths.workspace.mkdir()
    paths.package.mkdir()
    code = (
        "import os, signal, json, sys; from pathlib import Path;"
        "from omniscope_deeplearning.trainer import train;"
        "from omniscope_service.jobs.report import JobPaths;"
        "from tests.unit.omniscope_deeplearning.conftest import RecordedReport;"
        "kill = lambda epoch: epoch == 1 and os.kill(os.getpid(), signal.SIGKILL);"
        "root = Path(sys.argv[2]);"
        "report = RecordedReport(on_epoch=kill, resume=root / 'kept');"
        "train(json.loads(sys.argv[1]), JobPaths.from_dict(json.loads(sys.argv[3])), report)"
    )
    arguments = [json.dumps(encode(spec)), str(tmp_path), json.dumps(paths.to_dict())]

    killed = subprocess.run([sys.executable, "-c", code, *arguments], check=False)
    resumed = train_network(spec, "digits", resume=tmp_path / "kept")

    assert killed.returncode == -signal.SIGKILL
    assert resumed.report.metrics[0]["epoch"] == 1
    assert resumed.weights == whole.weights


def test_a_training_that_was_done_is_only_packed_again(train_network, make_spec, tmp_path):
    whole = train_network(make_spec(), report=RecordedReport(resume=tmp_path))

    again = train_network(make_spec(attempt=2), resume=tmp_path)

    assert again.report.metrics == []
    assert again.weights == whole.weights


def test_the_time_of_earlier_attempts_counts(train_network, make_spec, tmp_path):
    train_network(make_spec(), report=RecordedReport(resume=tmp_path))
    stored = json.loads((tmp_path / "state.json").read_text())
    stored["state"]["seconds"] = 1000.0
    (tmp_path / "state.json").write_text(json.dumps(stored))

    results = train_network(make_spec(attempt=2), resume=tmp_path).results

    assert results["training_seconds"] >= results["leaderboard"][0]["fit_seconds"] == 1000.0


def test_a_checkpoint_of_another_request_is_left_aside_with_a_word(
    train_network, make_spec, tmp_path
):
    train_network(make_spec(), report=RecordedReport(resume=tmp_path))

    other = train_network(make_spec(seed=5), resume=tmp_path)

    assert other.report.metrics[0]["epoch"] == 0
    assert any("starts over" in text for severity, text in other.report.lines)
    assert other.weights == train_network(make_spec(seed=5)).weights
