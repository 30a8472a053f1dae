"""Where AutoGluon's models have their seed from."""


def test_autogluon_seeds_a_model_with_0_whatever_the_learner_has(fit_plainly):
    predictor = fit_plainly(
        predictor={"learner_kwargs": {"random_state": 7}},
        hyperparameters={"XT": {"n_estimators": 5}},
    )

    assert predictor._trainer.load_model("ExtraTrees").random_seed == 0
