"""Why a model was not trained."""

import pytest
from autogluon.core.callbacks import AbstractCallback

from omniscope_automl.engine.failures import hit_limit, no_model, time_may_run_out
from omniscope_ml.errors import DataError
from tests.unit.omniscope_automl.conftest import SPEC


class RecordingCallback(AbstractCallback):  # type: ignore[misc]  # AutoGluon is untyped
    """Keeps what AutoGluon says after a fit."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[dict[str, object]] = []

    def _after_model_fit(self, **told):
        self.told.append(told | {"trainer": None})
        return False


@pytest.fixture
def callback() -> RecordingCallback:
    return RecordingCallback()


@pytest.fixture
def failed(fit_plainly, callback):
    """A predictor whose only model found no feature of use."""
    return fit_plainly(
        columns=["island"],
        hyperparameters={"KNN": {}},
        callbacks=[callback],
        raise_on_no_models_fitted=False,
    )


def test_autogluon_tells_a_callback_nothing_of_a_model_that_failed(failed, callback):
    assert callback.told == [
        {"trainer": None, "model_names": [], "stack_name": "core", "level": 1}
    ]


def test_a_model_that_failed_for_another_reason_did_not_hit_a_limit(failed):
    assert not hit_limit(failed._trainer, "KNeighbors")
    assert hit_limit(failed._trainer, "AModelThatWasSkippedForWantOfTime")


def test_features_of_no_use_are_blamed(failed):
    assert "no feature is of use to KNeighbors" in no_model(failed).message


def test_autogluon_ends_a_fit_without_time_by_an_assertion(fit_plainly):
    with pytest.raises(AssertionError, match="Not enough time left"):
        fit_plainly(time_limit=0.001)


def test_a_fit_without_time_blames_the_time_limit(fit_plainly):
    with pytest.raises(DataError) as caught, time_may_run_out(SPEC):
        fit_plainly(time_limit=0.001)

    assert (caught.value.reason, caught.value.field) == ("NO_MODEL_TRAINED", "time_limit")
