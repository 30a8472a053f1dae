"""How the picture of a network's epochs is worded."""

import pytest

from omniscope_ml.plots.learning_curves import learning_curves_plot


@pytest.mark.parametrize(("score", "title"), [("rmse", "RMSE"), ("accuracy", "Accuracy")])
def test_the_titles_say_what_is_drawn(score, title):
    values = dict.fromkeys(
        ("number", "train_loss", "validation_loss", "train_score", "validation_score"), 0.0
    )

    figure = learning_curves_plot([values], score, 0)

    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Loss", title]
