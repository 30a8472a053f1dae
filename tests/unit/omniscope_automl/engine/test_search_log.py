"""AutoGluon's log, as the watchers of a job see it."""

import logging
from pathlib import Path

import pytest

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
