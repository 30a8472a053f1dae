"""Packages of real data, opened by plain MLflow where the suite is not installed."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from omniscope_ml.packaging import verify_package
from omniscope_ml.pyfunc import _load_pyfunc
from tests.plain_mlflow import plain_mlflow
from tests.unit.omniscope_automl.conftest import SPEC, Train, Training

DATA = Path(__file__).parents[3] / "examples" / "data"
TARGETS = {"penguins": "species", "tissue7": "tissue"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=list(TARGETS))
def real(request: pytest.FixtureRequest, train_model: Train) -> Training:
    frame = pd.read_csv(DATA / f"{request.param}.csv")
    target = TARGETS[request.param]
    features = tuple(str(name) for name in frame if name not in (target, "sample_id"))
    spec = dataclasses.replace(
        SPEC,
        target_column=target,
        feature_columns=features,
        key_column=None,
        included_model_families=("LR", "GBM"),
    )
    return train_model(spec, frame)


def test_plain_mlflow_predicts_real_data_as_we_do(real: Training, tmp_path: Path) -> None:
    real.frame.to_parquet(tmp_path / "rows")

    ended = plain_mlflow(real.package, tmp_path)

    assert ended.returncode == 0, ended.stderr
    ours = _load_pyfunc(str(real.package)).predict(real.frame)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "answer"), ours)
    accuracy = (ours["prediction"] == real.frame[real.spec.target_column]).mean()
    assert accuracy > 0.9
    verify_package(real.package)


def test_plain_mlflow_refuses_a_changed_byte(real: Training, tmp_path: Path) -> None:
    real.frame.head(1).to_parquet(tmp_path / "rows")
    path = real.package / "predictions.arrow"
    original = path.read_bytes()
    path.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))

    ended = plain_mlflow(real.package, tmp_path)

    path.write_bytes(original)
    assert ended.returncode != 0
    assert "the model package is damaged: predictions.arrow" in ended.stderr
    assert not (tmp_path / "answer").exists()
