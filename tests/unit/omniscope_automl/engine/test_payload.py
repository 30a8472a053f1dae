"""What goes into a package of AutoGluon's folder."""

from pathlib import Path

from omniscope_automl.engine.payload import keep_chosen_model, kept_families, move_payload


def test_autogluon_says_nowhere_which_family_a_model_is_of(fit_plainly):
    predictor = fit_plainly(hyperparameters={"KNN": {}})

    told = predictor.leaderboard(extra_info=True).to_string()

    assert "KNNModel" in told
    assert "'KNN'" not in told


def test_the_payload_has_the_chosen_model_and_no_rows(fit_plainly, tmp_path):
    predictor = fit_plainly(fit_weighted_ensemble=False)
    keep_chosen_model(predictor)

    families = kept_families(predictor)
    move_payload(predictor, tmp_path / "payload")

    assert families in ({"KNN"}, {"LR"})
    models = [path.name for path in (tmp_path / "payload" / "models").iterdir() if path.is_dir()]
    assert models == [predictor.model_best]
    assert not (tmp_path / "payload" / "utils" / "data").exists()
    assert not Path(predictor.path).exists()
