import json

import numpy as np
import pytest
import sklearn.metrics as reference
from sklearn.calibration import calibration_curve

from omniscope_ml.curves import calibration_curves, precision_recall_curves, roc_curves
from omniscope_ml.residuals import residuals

BINARY = ("healthy", "ill")


def binary(rows: int, seed: int = 0, digits: int = 9) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = (rng.random(rows) < rng.uniform(0.05, 0.9)).astype(np.int64)
    truth[:2] = 0, 1
    score = 1 / (1 + np.exp(-rng.normal(size=rows) - truth * rng.uniform(-0.5, 2)))
    score = score.round(digits)
    return truth, np.stack([1 - score, score], axis=1)


def multiclass(classes: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(classes)
    truth = rng.permutation(np.arange(rows) % classes)
    probabilities = rng.dirichlet(np.ones(classes), rows) + 0.2 * np.eye(classes)[truth]
    return truth, probabilities / probabilities.sum(axis=1, keepdims=True)


def names(classes: int) -> list[str]:
    return [f"c{code}" for code in range(classes)]


@pytest.mark.parametrize("positive", [0, 1])
def test_a_short_roc_curve_is_scikit_learns(positive: int) -> None:
    truth, probabilities = binary(80)
    score = probabilities[:, positive]

    (curve,) = roc_curves(truth, probabilities, BINARY, positive)

    false_rates, true_rates, thresholds = reference.roc_curve(truth == positive, score)
    assert curve["class_name"] == BINARY[positive]
    assert curve["false_positive_rates"] == false_rates.tolist()
    assert curve["true_positive_rates"] == true_rates.tolist()
    assert curve["thresholds"] == [2.0, *thresholds[1:]]
    assert curve["area"] == reference.roc_auc_score(truth == positive, score)


def test_a_roc_curve_of_four_rows_is_what_one_computes_by_hand() -> None:
    truth = np.array([0, 1, 0, 1])
    score = np.array([0.1, 0.4, 0.6, 0.9])

    (curve,) = roc_curves(truth, np.stack([1 - score, score], axis=1), BINARY, 1)

    assert curve == {
        "class_name": "ill",
        "false_positive_rates": [0.0, 0.0, 0.5, 0.5, 1.0],
        "true_positive_rates": [0.0, 0.5, 0.5, 1.0, 1.0],
        "thresholds": [2.0, 0.9, 0.6, 0.4, 0.1],
        "area": 0.75,
    }


def test_a_short_precision_recall_curve_is_scikit_learns_from_no_row_to_all() -> None:
    truth, probabilities = binary(80)

    (curve,) = precision_recall_curves(truth, probabilities, BINARY, 1)

    precisions, recalls, thresholds = reference.precision_recall_curve(
        truth, probabilities[:, 1], drop_intermediate=True
    )
    assert curve["recalls"] == recalls[::-1].tolist()
    assert curve["precisions"] == precisions[::-1].tolist()
    assert curve["thresholds"] == [2.0, *thresholds[::-1]]
    assert curve["area"] == reference.average_precision_score(truth, probabilities[:, 1])


@pytest.mark.parametrize("seed", range(20))
def test_thinned_curves_keep_their_area(seed: int) -> None:
    truth, probabilities = binary(500 + 700 * seed, seed, digits=2 + seed % 7)
    score = probabilities[:, 1]

    (roc,) = roc_curves(truth, probabilities, BINARY, 1)
    (found,) = precision_recall_curves(truth, probabilities, BINARY, 1)

    precisions, recalls, _ = reference.precision_recall_curve(truth, score)
    drawn = reference.auc(roc["false_positive_rates"], roc["true_positive_rates"])
    assert drawn == pytest.approx(reference.roc_auc_score(truth, score), abs=1e-3)
    drawn = reference.auc(found["recalls"], found["precisions"])
    assert drawn == pytest.approx(reference.auc(recalls, precisions), abs=1e-3)
    assert max(len(roc["thresholds"]), len(found["thresholds"])) <= 200
    for rising in (roc["false_positive_rates"], roc["true_positive_rates"], found["recalls"]):
        assert rising == sorted(rising)
        assert (rising[0], rising[-1]) == (0.0, 1.0)


@pytest.mark.parametrize("rows", [398, 400, 402, 2000])
def test_a_regular_staircase_keeps_its_area_too(rows: int) -> None:
    truth = np.arange(rows) % 2
    score = np.linspace(1, 0, rows)

    (curve,) = roc_curves(truth, np.stack([1 - score, score], axis=1), BINARY, 1)

    drawn = reference.auc(curve["false_positive_rates"], curve["true_positive_rates"])
    assert drawn == pytest.approx(reference.roc_auc_score(truth, score), abs=1e-3)


@pytest.mark.parametrize(("classes", "rows"), [(3, 60), (7, 3000)])
def test_each_class_has_a_curve_in_order_and_the_mean_comes_last(classes: int, rows: int) -> None:
    truth, probabilities = multiclass(classes, rows)

    rocs = roc_curves(truth, probabilities, names(classes), None)
    found = precision_recall_curves(truth, probabilities, names(classes), None)

    assert [curve["class_name"] for curve in rocs] == [*names(classes), ""]
    assert [curve["class_name"] for curve in found] == [*names(classes), ""]
    for code in range(classes):
        is_class, score = truth == code, probabilities[:, code]
        assert rocs[code]["area"] == reference.roc_auc_score(is_class, score)
        assert found[code]["area"] == reference.average_precision_score(is_class, score)
    mean = rocs[-1]
    wanted = reference.roc_auc_score(truth, probabilities, multi_class="ovr")
    assert mean["area"] == pytest.approx(wanted)
    drawn = reference.auc(mean["false_positive_rates"], mean["true_positive_rates"])
    assert drawn == pytest.approx(wanted, abs=1e-3)
    assert mean["thresholds"] == found[-1]["thresholds"] == []


def test_the_mean_of_two_opposite_steps_is_half_way_up() -> None:
    truth = np.array([0, 0, 1, 2])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.9, 0.1, 0.0]])

    *_, mean = roc_curves(truth, probabilities, names(3), None)

    # c0 is half right (one wrong row ranks first), c1 right, c2 wrong throughout.
    assert mean["area"] == pytest.approx((0.5 + 1.0 + 0.0) / 3)
    assert mean["true_positive_rates"][-1] == 1.0


def test_a_class_without_rows_has_no_curve_and_then_there_is_no_mean() -> None:
    truth, probabilities = multiclass(3, 30)
    truth[truth == 1] = 0

    for curves in (roc_curves, precision_recall_curves):
        drawn = curves(truth, probabilities, names(3), None)
        assert [curve["class_name"] for curve in drawn] == ["c0", "c2"]


@pytest.mark.parametrize("code", [0, 1])
def test_curves_of_rows_that_are_all_of_one_class_are_absent(code: int) -> None:
    truth = np.full(5, code)
    probabilities = np.tile([0.6, 0.4], (5, 1))

    assert roc_curves(truth, probabilities, BINARY, 1) == []
    assert precision_recall_curves(truth, probabilities, BINARY, 1) == []
    (calibration,) = calibration_curves(truth, probabilities, BINARY, 1)
    assert calibration["observed_shares"] == [float(code)]


def test_of_very_many_classes_only_the_mean_is_left() -> None:
    truth, probabilities = multiclass(41, 410)

    for curves in (roc_curves, precision_recall_curves):
        assert [c["class_name"] for c in curves(truth, probabilities, names(41), None)] == [""]
    assert calibration_curves(truth, probabilities, names(41), None) == []


def test_calibration_is_scikit_learns_with_the_number_of_rows() -> None:
    truth, probabilities = binary(3000, digits=1)

    (curve,) = calibration_curves(truth, probabilities, BINARY, 1)

    shares, means = calibration_curve(truth, probabilities[:, 1], n_bins=10)
    assert curve["observed_shares"] == pytest.approx(shares.tolist())
    assert curve["mean_probabilities"] == pytest.approx(means.tolist())
    assert sum(curve["row_counts"]) == 3000


def test_calibration_leaves_empty_bins_out() -> None:
    truth = np.array([0, 0, 1, 1])
    score = np.array([0.0, 0.05, 0.95, 1.0])

    (curve,) = calibration_curves(truth, np.stack([1 - score, score], axis=1), BINARY, 1)

    assert curve["mean_probabilities"] == pytest.approx([0.025, 0.975])
    assert curve["observed_shares"] == [0.0, 1.0]
    assert curve["row_counts"] == [2, 2]


def test_all_curves_of_float32_probabilities_are_json() -> None:
    truth, probabilities = multiclass(3, 90)
    given = truth, probabilities.astype(np.float32), names(3), None

    curves = [roc_curves(*given), precision_recall_curves(*given), calibration_curves(*given)]

    assert json.loads(json.dumps(curves, allow_nan=False)) == curves


def test_residuals_are_sorted_by_the_true_number() -> None:
    points = residuals(np.array([3.0, 1.0, 2.0]), np.array([3.5, 0.5, 2.0]))

    assert points == {"true_values": [1.0, 2.0, 3.0], "predicted_values": [0.5, 2.0, 3.5]}


def test_residuals_of_many_rows_are_a_thousand_from_the_smallest_to_the_largest() -> None:
    truth = np.random.default_rng(0).normal(size=7001)

    points = residuals(truth, truth + 1)

    values = points["true_values"]
    assert len(values) == len(set(values)) == 1000
    assert values == sorted(values)
    assert (values[0], values[-1]) == (truth.min(), truth.max())
    assert np.allclose(np.subtract(points["predicted_values"], values), 1)


def test_a_row_without_a_finite_prediction_has_no_residual() -> None:
    points = residuals(np.array([1.0, 2.0, 3.0]), np.array([np.nan, 2.5, np.inf]))

    assert points == {"true_values": [2.0], "predicted_values": [2.5]}
