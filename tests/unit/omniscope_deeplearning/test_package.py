"""What a training leaves: a package that loads without code, here and in plain MLflow."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from omniscope_ml.errors import DataError
from omniscope_ml.kinds import load_package
from omniscope_ml.network_model import NetworkModel
from omniscope_ml.packaging import verify_package, write_manifest
from omniscope_ml.pyfunc import _load_pyfunc
from tests.unit.omniscope_deeplearning.conftest import EXAMPLES


@pytest.fixture(scope="module")
def training(train_network, make_spec):
    return train_network(make_spec(options={"epochs": 20}), plots=True)


@pytest.fixture(scope="module")
def penguins():
    return pd.read_parquet(EXAMPLES / "penguins.parquet")


def test_a_loaded_package_repeats_the_stored_predictions(training, penguins):
    model = load_package(training.package)
    stored = pa.ipc.open_file(training.package / "predictions.arrow").read_all().to_pandas()
    rows = penguins.iloc[stored["row"]]

    assert isinstance(model, NetworkModel)
    assert model.classes == ("Adelie", "Chinstrap", "Gentoo")
    assert model.predict(rows).tolist() == stored["prediction"].tolist()
    expected = np.stack(stored["probabilities"].tolist())
    np.testing.assert_allclose(model.predict_proba(rows), expected, rtol=1e-5, atol=1e-7)
    assert np.allclose(model.predict_proba(rows).sum(axis=1), 1)


def test_columns_come_in_any_order_and_missing_ones_are_named(training, penguins):
    model = load_package(training.package)
    shuffled = penguins[penguins.columns[::-1]]

    assert (model.predict(shuffled) == model.predict(penguins)).all()
    with pytest.raises(DataError, match="bill_length_mm") as refused:
        model.predict(penguins.drop(columns="bill_length_mm"))
    assert refused.value.reason == "FEATURES_MISSING"


def test_mlflow_asks_the_same_model(training, penguins):
    answer = _load_pyfunc(str(training.package)).predict(penguins.head(9))

    model = load_package(training.package)
    assert answer["prediction"].tolist() == model.predict(penguins.head(9)).tolist()
    assert list(answer.columns[1:]) == [f"probability_{name}" for name in model.classes]


@pytest.mark.slow  # as tests/e2e does, with the suite far away
def test_plain_mlflow_loads_the_package_where_the_suite_is_not_on_the_path(training, tmp_path):
    code = (
        "import sys, json; sys.path = [p for p in sys.path if '/libs' not in p and p];"
        "import mlflow.pyfunc, pandas as pd;"
        f"model = mlflow.pyfunc.load_model({str(training.package)!r});"
        f"frame = pd.read_parquet({str(EXAMPLES / 'penguins.parquet')!r}).head(5);"
        "frame = frame.astype({c: 'float64' for c in frame.select_dtypes('number')});"
        "import omniscope_ml; assert '/code/' in omniscope_ml.__path__[0], omniscope_ml.__path__;"
        "print(json.dumps(model.predict(frame)['prediction'].tolist()))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == ["Adelie"] * 5


def test_the_package_holds_no_pickle(training):
    payload = {path.name for path in (training.package / "payload").iterdir()}

    assert payload == {"weights.safetensors", "network.json", "preprocessing.npz"}
    suffixes = {path.suffix for path in training.package.rglob("*") if path.is_file()}
    assert not suffixes & {".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".bin"}
    assert "no pickle" in (training.package / "README.md").read_text()


def test_the_manifest_says_where_the_model_came_from(training):
    manifest = verify_package(training.package)

    assert manifest.kind == "deeplearning.network"
    assert manifest.architecture == "mlp"
    assert manifest.engines["torch"] == "2.13.0"
    assert manifest.preprocessing["numbers"]["scaling"] == "standard"
    assert manifest.split["validation_fraction"] == 0.2
    assert not manifest.stopped_early


def test_what_the_rows_decided_is_kept_with_the_model(training):
    card = (training.package / "README.md").read_text()

    assert training.results["settings"] == {
        "batch_size": "32",
        "optimizer": "adamw",
        "learning_rate": "0.001",
        "weight_decay": "0.01",
        "dropout": "0.1",
        "min_improvement": "0.001",
    }
    assert "| learning_rate | 0.001 |" in card
    kept = training.curves["kept"] + 1
    assert f"## Training\n\nkept epoch {kept} of 20: all epochs are done\n" in card


def test_learning_curves_are_kept_as_numbers_and_pictures(training):
    plots = {plot["path"] for plot in training.results["plots"]}

    assert {"plots/learning_curves.png", "plots/learning_curves.svg"} <= plots
    assert len(training.curves["epochs"]) == 20
    assert training.curves["score"] == "accuracy"


def test_damaged_weights_are_refused(train_network, make_spec):
    package = train_network(make_spec()).package
    weights = package / "payload" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    manifest = json.loads((package / "manifest.json").read_text())

    with pytest.raises(DataError) as refused:
        load_package(package)
    assert refused.value.reason == "PACKAGE_CORRUPT"
    assert manifest["kind"] == "deeplearning.network"


def test_weights_of_another_network_are_refused_even_where_the_manifest_lists_them(
    train_network, make_spec
):
    package = train_network(make_spec()).package
    other = train_network(make_spec(parameters={"width": 8})).package
    manifest = verify_package(package)
    name = "payload/weights.safetensors"
    (package / name).write_bytes((other / name).read_bytes())
    (package / "manifest.json").unlink()
    write_manifest(package, manifest)

    with pytest.raises(DataError, match="does not hold the weights"):
        load_package(package)


def test_chosen_columns_are_stored_and_are_all_that_the_model_reads(train_network, make_spec):
    spec = make_spec("tissue", selection_method="f_test", selection_top_k=20)

    training = train_network(spec, "tissue")

    assert len(load_package(training.package).feature_names) == 20
    assert (training.package / "feature_selection.npz").exists()


def test_numbers_are_predicted_by_a_loaded_package(train_network, make_spec, penguins):
    spec = make_spec(
        target_column="body_mass_g",
        problem_type="regression",
        split_strategy="random",
        options={"epochs": 20, "learning_rate": 3e-3},
    )
    model = load_package(train_network(spec).package)

    predicted = model.predict(penguins)

    assert abs(predicted.mean() - penguins["body_mass_g"].mean()) < 300
    with pytest.raises(DataError) as refused:
        model.predict_proba(penguins)
    assert refused.value.reason == "NO_PROBABILITIES"
