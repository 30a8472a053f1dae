"""Curves and plots of real trainings."""

import dataclasses
import json

import pytest
import sklearn.metrics as reference
from google.protobuf.json_format import ParseDict

from omniscope.common.v1.model_pb2 import ModelResults
from omniscope_ml.packaging import verify_package
from tests.unit.omniscope_automl.conftest import SPEC

CLASSES = ["Adelie", "Chinstrap", "Gentoo"]


def results_of(training) -> ModelResults:
    text = (training.package / "results.json").read_text(encoding="utf-8")
    return ParseDict(json.loads(text), ModelResults())


def names_of(results: ModelResults) -> list[str]:
    return list(dict.fromkeys(plot.name for plot in results.plots))


def test_curves_follow_the_order_of_the_classes(training):
    results = results_of(training)

    assert [curve.class_name for curve in results.roc_curves] == [*CLASSES, ""]
    assert [curve.class_name for curve in results.precision_recall_curves] == [*CLASSES, ""]
    assert [curve.class_name for curve in results.calibration_curves] == CLASSES
    values = results.metrics[0].values
    assert results.roc_curves[-1].area == pytest.approx(values["roc_auc"])
    assert results.precision_recall_curves[-1].area == pytest.approx(values["pr_auc"])
    for curve in results.roc_curves:
        drawn = reference.auc(curve.false_positive_rates, curve.true_positive_rates)
        assert drawn == pytest.approx(curve.area, abs=1e-3)
    assert all(sum(curve.row_counts) == 30 for curve in results.calibration_curves)
    assert not results.HasField("residuals")


def test_plots_are_part_of_the_sealed_package_and_of_its_card(training):
    results = results_of(training)
    listed = json.loads((training.package / "manifest.json").read_text())["files"]
    card = (training.package / "README.md").read_text(encoding="utf-8")

    verify_package(training.package)
    assert names_of(results) == [
        "confusion_matrix", "roc", "precision_recall", "calibration", "leaderboard",
    ]  # fmt: skip
    assert {plot.path for plot in results.plots} == {
        path for path in listed if path.startswith("plots/")
    }
    for plot in results.plots:
        assert listed[plot.path]["size_bytes"] == plot.size_bytes
        assert (f"]({plot.path})" in card) == (plot.media_type == "image/png")


@pytest.mark.slow
def test_of_two_classes_the_positive_one_is_drawn(train_model):
    spec = dataclasses.replace(
        SPEC, problem_type="binary", target_column="sick", positive_class="false", eval_metric="f1"
    )

    results = results_of(train_model(spec, plots=True))

    for curves in (
        results.roc_curves,
        results.precision_recall_curves,
        results.calibration_curves,
    ):
        assert [curve.class_name for curve in curves] == ["false"]
    assert results.roc_curves[0].area == pytest.approx(results.metrics[0].values["roc_auc"])


def test_a_regression_has_residuals_instead_of_curves(train_model):
    spec = dataclasses.replace(
        SPEC,
        problem_type="regression",
        target_column="mass",
        eval_metric="root_mean_squared_error",
        split_strategy="random",
        key_column=None,
        included_model_families=("LR",),
    )

    results = results_of(train_model(spec, plots=True))

    points = results.residuals
    error = reference.mean_absolute_error(points.true_values, points.predicted_values)
    assert results.metrics[0].values["mae"] == pytest.approx(error)
    assert names_of(results) == ["predicted_against_true", "residuals", "leaderboard"]
    assert not results.roc_curves
    assert not results.calibration_curves
