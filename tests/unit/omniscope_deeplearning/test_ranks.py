"""Two processes that share each batch train the network that one would."""

import numpy as np
import pytest
from safetensors.numpy import load

from tests.unit.omniscope_deeplearning.conftest import DIGITS, ROWS_OF_PIXELS


# Another process has to import everything first.
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("architecture", "layout"),
    [("cnn2d", DIGITS), pytest.param("gru", ROWS_OF_PIXELS, marks=pytest.mark.slow)],
)
def test_two_ranks_give_the_weights_of_one_process(train_network, make_spec, architecture, layout):
    options = {"epochs": 1, "batch_size": 128, "dropout": 0.0, "learning_rate": 1e-2}
    common = {"optimizer": "sgd", "class_weights": "balanced", **options}

    def trained(devices):
        given = {"options": {**common, "devices": devices}, "input_layout": layout}
        return train_network(make_spec("digits", architecture, **given), "digits")

    alone, shared = trained(devices=1), trained(devices=2)

    first, second = load(alone.weights), load(shared.weights)
    assert all(np.allclose(first[name], second[name], rtol=1e-3, atol=1e-5) for name in first)
    (a,), (b,) = alone.curves["epochs"], shared.curves["epochs"]
    for name in ("train_loss", "train_score", "validation_loss", "validation_score"):
        assert a[name] == pytest.approx(b[name], rel=1e-3)
    assert len([p for p in shared.report.metrics if p["name"] == "rows_per_second"]) == 1
