"""AutoGluon's log, as the watchers of a job see it."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from autogluon.common.utils.resource_utils import ResourceManager

from omniscope_automl.engine.search_log import search_log
from tests.unit.omniscope_automl.conftest import RecordedReport

ENGINE = logging.getLogger("autogluon.tabular.trainer")


@pytest.mark.parametrize(
    "line",
    [
        "\tRan out of time, early stopping on iteration 12.",
        "\tTime limit exceeded... Skipping CatBoost.",
        "\tWarning: Reducing model 'n_estimators' from 300 -> 60 due to low time.",
        "\tNot enough time to train KNN model on all training rows.",
        "\tWarning: Reducing model 'n_estimators' from 300 -> 60 due to low memory.",
    ],
)
def test_log_notices_that_a_limit_was_hit(line):
    report = RecordedReport()

    with search_log(report, Path("/work")) as log:
        ENGINE.warning(line)

    assert log.cut_short
    assert report.lines == [("warning", line.replace("\t", "    "))]


def test_log_is_given_back_to_the_terminal_afterwards():
    engine_log = logging.getLogger("autogluon")
    before = engine_log.handlers[:]

    with search_log(RecordedReport(), Path("/work")) as log:
        assert engine_log.handlers == [log]

    assert engine_log.handlers == before
    assert not log.cut_short


@pytest.mark.slow
def test_autogluon_writes_to_the_terminal_once_it_is_imported():
    program = "import autogluon.tabular, logging; print(logging.getLogger('autogluon').handlers)"

    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert "StreamHandler" in ended.stdout


def test_autogluon_says_in_its_log_only_that_it_cut_a_model_short(fit_plainly, caplog):
    hurried = {
        "num_boost_round": 1_000_000,
        "learning_rate": 1e-5,
        "ag_args_fit": {"max_time_limit": 0.5},
    }

    predictor = fit_plainly(
        predictor={"eval_metric": "log_loss"}, hyperparameters={"GBM": hurried}
    )

    assert "Ran out of time, early stopping" in caplog.text
    assert "LightGBM" in predictor.model_names()
    assert predictor.model_failures().empty


def test_autogluon_complains_of_a_missing_torch(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "torch", None)

    ResourceManager.get_gpu_count_torch()

    assert "Failed to import torch" in caplog.text


def test_a_missing_torch_is_not_mentioned(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    report = RecordedReport()

    with search_log(report, Path("/work")):
        ResourceManager.get_gpu_count_torch()

    assert not any("torch" in line for _, line in report.lines)
