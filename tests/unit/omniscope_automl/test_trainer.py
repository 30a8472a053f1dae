"""Real trainings of small tables."""

import dataclasses
import json
import subprocess
import sys
import sysconfig

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from omniscope_ml.errors import DataError
from omniscope_ml.kinds import load_package
from omniscope_ml.packaging import verify_package
from omniscope_ml.pyfunc import _load_pyfunc
from tests.unit.omniscope_automl.conftest import SPEC
from tests.unit.penguins import FEATURES, penguins


def results_of(training):
    return json.loads((training.package / "results.json").read_text())


def held_out(training):
    return pa.ipc.open_file(training.package / "predictions.arrow").read_all()


def test_every_model_is_reported_with_its_score_when_it_is_trained(training):
    live = [entry for entry in training.report.entries if "score_test" not in entry]
    points = training.report.metrics

    assert {entry["model"] for entry in live} == {
        "KNeighbors",
        "LinearModel",
        "WeightedEnsemble_L2",
    }
    assert [point["step"] for point in points] == [0, 1, 2]
    assert [point["value"] for point in points] == [entry["score_validation"] for entry in live]
    assert all(point["split"] == "validation" for point in points)
    assert all(entry["metric"] == "accuracy" for entry in live)
    assert all(entry["fit_seconds"] > 0 for entry in live)
    assert live[0]["rank"] == 1


def test_progress_rises_over_all_planned_models(training):
    percents = [percent for percent, *_ in training.report.progresses]
    phases = [phase for _, phase, *_ in training.report.progresses]

    assert percents == sorted(percents)
    assert percents[0] == 0
    assert "training LinearModel" in phases
    assert phases[-1] == "packing the model"
    assert (3, 3) in {(done, total) for *_, done, total in training.report.progresses}


def test_log_of_the_search_reaches_the_watchers_without_paths_of_the_worker(training):
    text = "\n".join(line for _, line in training.report.lines)

    assert "Fitting model: LinearModel" in text
    assert 'save models to "workspace/search"' in text
    assert "torch or check" not in text
    assert not [line for severity, line in training.report.lines if severity == "error"]


def test_results_hold_metrics_leaderboard_and_confusion(training):
    results = results_of(training)

    (measured,) = results["metrics"]
    assert measured["split"] == "test"
    assert measured["rows"] == results["test_rows"] == 30
    assert results["train_rows"] == 120
    assert measured["values"].keys() == {
        "accuracy",
        "balanced_accuracy",
        "f1",
        "mcc",
        "roc_auc",
        "pr_auc",
        "log_loss",
        "brier",
    }
    assert measured["values"]["accuracy"] > 0.8
    assert sum(results["confusion_matrix"]["counts"]) == 30
    assert results["classes"] == ["Adelie", "Chinstrap", "Gentoo"]
    assert results["positive_class"] == ""
    assert [entry["rank"] for entry in results["leaderboard"]] == [1, 2, 3]
    assert results["leaderboard"][0]["model"] == results["best_model"]
    assert all("score_test" in entry for entry in results["leaderboard"])
    assert not results["stopped_early"]
    assert not training.outcome.stopped_early


def test_held_out_predictions_are_stored_with_row_and_key(training):
    table = held_out(training).to_pandas()

    assert len(table) == 30
    species = training.frame["species"].to_numpy()[table["row"]]
    assert table["truth"].tolist() == species.tolist()
    assert table["key"].tolist() == [f"s{row}" for row in table["row"]]
    accuracy = results_of(training)["metrics"][0]["values"]["accuracy"]
    assert (table["truth"] == table["prediction"]).mean() == pytest.approx(accuracy)
    assert np.allclose([sum(row) for row in table["probabilities"]], 1)


def test_package_is_whole_and_says_where_it_came_from(training):
    manifest = verify_package(training.package)

    assert manifest.kind == "automl.tabular"
    assert manifest.classes == ("Adelie", "Chinstrap", "Gentoo")
    assert [feature.name for feature in manifest.features] == list(FEATURES)
    assert manifest.split["test_rows"] == 30
    assert manifest.engines["autogluon.tabular"] == "1.6.3"


def test_package_holds_no_training_data_and_only_the_chosen_model(training):
    payload = training.package / "payload"
    chosen = results_of(training)["best_model"]

    assert not (payload / "utils" / "data").exists()
    assert (payload / "models" / chosen).is_dir()
    assert sum(f.stat().st_size for f in training.package.rglob("*") if f.is_file()) < 1_000_000


def test_loaded_model_predicts_what_was_stored(training):
    stored = held_out(training).to_pandas()
    rows = training.frame.iloc[stored["row"]]

    predictor = load_package(training.package)

    assert predictor.classes == ("Adelie", "Chinstrap", "Gentoo")
    assert predictor.feature_names == FEATURES
    assert predictor.predict(rows).tolist() == stored["prediction"].tolist()
    assert np.allclose(predictor.predict_proba(rows), np.stack(stored["probabilities"]))


def test_columns_come_in_any_order_and_further_ones_are_ignored(training):
    model = _load_pyfunc(str(training.package))
    plain = training.frame[list(FEATURES)]

    answer = model.predict(plain)

    pd.testing.assert_frame_equal(
        model.predict(training.frame[training.frame.columns[::-1]]), answer
    )
    assert list(answer.columns) == [
        "prediction",
        "probability_Adelie",
        "probability_Chinstrap",
        "probability_Gentoo",
    ]


def test_missing_feature_is_named(training):
    with pytest.raises(DataError, match="gene2"):
        load_package(training.package).predict(training.frame.drop(columns="gene2"))


@pytest.mark.slow
def test_same_request_and_seed_give_the_same_model(train_model):
    spec = dataclasses.replace(SPEC, included_model_families=("XT",), seed=7)

    first, again, other = (train_model(dataclasses.replace(spec, seed=s)) for s in (7, 7, 8))

    assert held_out(first).equals(held_out(again))
    assert not held_out(first).equals(held_out(other))
    assert held_out(first)["row"] == held_out(other)["row"]


def test_positive_class_is_the_one_asked_for(train_model):
    spec = dataclasses.replace(
        SPEC, problem_type="binary", target_column="sick", positive_class="false", eval_metric="f1"
    )

    training = train_model(spec)

    results = results_of(training)
    table = held_out(training).to_pandas()
    hits = ((table["truth"] == "false") & (table["prediction"] == "false")).sum()
    said = (table["truth"] == "false").sum() + (table["prediction"] == "false").sum()
    assert results["classes"] == ["false", "true"]
    assert results["positive_class"] == "false"
    assert results["metrics"][0]["values"]["f1"] == pytest.approx(2 * hits / said)
    assert results["leaderboard"][0]["score_test"] == pytest.approx(2 * hits / said)
    assert load_package(training.package).predict(training.frame).dtype == bool


@pytest.mark.slow
def test_package_works_with_plain_mlflow_where_the_suite_is_not_installed(training, tmp_path):
    frame = training.frame.iloc[:10]
    frame.to_parquet(tmp_path / "rows")
    # -S leaves out the project, which is installed by a .pth file; the libraries are added back.
    program = f"""
import sys
sys.path.append({sysconfig.get_path("purelib")!r})
import mlflow, pandas
model = mlflow.pyfunc.load_model({str(training.package)!r})
import omniscope_ml
assert omniscope_ml.__path__ == [{str(training.package / "code" / "omniscope_ml")!r}]
model.predict(pandas.read_parquet("rows")).to_parquet("answer")
"""

    subprocess.run([sys.executable, "-S", "-c", program], cwd=tmp_path, check=True)

    ours = _load_pyfunc(str(training.package)).predict(frame)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "answer"), ours)


def test_regression_reports_errors_in_their_own_sign(train_model):
    spec = dataclasses.replace(
        SPEC,
        problem_type="regression",
        target_column="mass",
        eval_metric="root_mean_squared_error",
        split_strategy="random",
        weight_column="weight",
        key_column=None,
        included_model_families=("LR",),
    )

    training = train_model(spec)

    values = results_of(training)["metrics"][0]["values"]
    assert values.keys() == {"rmse", "mae", "r2"}
    assert values["r2"] > 0.8
    assert all(point["value"] > 0 for point in training.report.metrics)
    assert all(entry["score_validation"] < 0 for entry in training.report.entries)
    assert "confusion_matrix" not in results_of(training)
    assert held_out(training).column_names == ["row", "key", "truth", "prediction"]
    assert load_package(training.package).predict(training.frame).dtype == np.float64


def test_rows_without_a_target_take_no_part(train_model):
    frame = penguins()
    frame.loc[:9, "species"] = None

    training = train_model(frame=frame)

    results = results_of(training)
    assert results["train_rows"] + results["test_rows"] == len(frame) - 10
    assert held_out(training).to_pandas()["row"].min() >= 10


def test_rare_class_is_not_dropped(train_model):
    frame = penguins()
    frame.loc[:2, "species"] = "Emperor"

    training = train_model(frame=frame)

    predictor = load_package(training.package)
    emperor = predictor.classes.index("Emperor")
    assert results_of(training)["classes"] == list(predictor.classes)
    assert predictor.predict_proba(frame)[:, emperor].max() > 0


def test_search_without_a_model_says_why(train_model):
    frame = penguins()
    spec = dataclasses.replace(SPEC, feature_columns=("island",), included_model_families=("KNN",))

    with pytest.raises(DataError) as caught:
        train_model(spec, frame)

    assert caught.value.reason == "NO_MODEL_TRAINED"
    assert "KNeighbors" in caught.value.message


def test_features_that_tell_nothing_are_named_as_the_cause(train_model):
    frame = penguins().assign(gene1=np.nan)
    spec = dataclasses.replace(SPEC, feature_columns=("gene1", "sample_id"), key_column=None)

    with pytest.raises(
        DataError, match="no feature is of use to KNeighbors, LinearModel"
    ) as caught:
        train_model(spec, frame)

    assert caught.value.reason == "NO_MODEL_TRAINED"


def test_family_that_the_worker_lacks_is_refused(train_model, monkeypatch):
    monkeypatch.setattr("omniscope_automl.presets.find_spec", lambda name: None)

    with pytest.raises(DataError, match="'CAT' needs catboost") as caught:
        train_model(dataclasses.replace(SPEC, included_model_families=("KNN", "CAT")))

    assert caught.value.reason == "MODEL_FAMILY_UNAVAILABLE"
    assert caught.value.field == "included_model_families"


@pytest.mark.slow
def test_bagged_and_refitted_models_are_trained_without_ray(train_model):
    spec = dataclasses.replace(
        SPEC, quality="good_quality", time_limit=120, included_model_families=("XT", "LR"), seed=3
    )

    first, again = train_model(spec), train_model(spec)

    results = results_of(first)
    assert results["best_model"].endswith("_FULL")
    assert {entry["stack_level"] for entry in results["leaderboard"]} >= {1, 2}
    assert not first.outcome.stopped_early
    assert held_out(first).equals(held_out(again))
    assert_trial_of_stacking_counts_for_nothing(first)


def assert_trial_of_stacking_counts_for_nothing(training):
    """Its models, which AutoGluon discards, are neither candidates nor progress."""
    in_results = {entry["model"] for entry in results_of(training)["leaderboard"]}
    live = [entry["model"] for entry in training.report.entries[: -len(in_results)]]
    trial = [done for _, phase, done, _ in training.report.progresses if "trying out" in phase]

    assert len(live) == len(set(live))
    assert set(live) <= in_results
    assert set(trial) == {0}
    assert max(done for *_, done, _ in training.report.progresses) == len(live)


@pytest.mark.slow
def test_search_that_runs_out_of_time_keeps_what_it_has(train_model):
    frame = penguins(3_000)
    spec = dataclasses.replace(
        SPEC, quality="best_quality", time_limit=10, included_model_families=("LR", "CAT")
    )

    training = train_model(spec, frame)

    assert training.outcome.stopped_early
    assert results_of(training)["stopped_early"]
    assert verify_package(training.package).stopped_early
