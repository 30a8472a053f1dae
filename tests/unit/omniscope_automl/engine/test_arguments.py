"""What AutoGluon is asked for."""

from tests.unit.penguins import penguins


def test_autogluon_gives_up_rare_classes(fit_plainly):
    frame = penguins()
    frame.loc[:2, "species"] = "Emperor"

    predictor = fit_plainly(frame=frame, hyperparameters={"KNN": {}})

    assert predictor.predict_proba(frame)["Emperor"].max() == 0
