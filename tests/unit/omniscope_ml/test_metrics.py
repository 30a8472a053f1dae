import numpy as np
import pytest
import sklearn.metrics as reference

from omniscope_ml.metrics import classification_metrics, confusion_matrix, regression_metrics


def sample(classes: int, rows: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(classes)
    truth = rng.integers(0, classes, rows)
    probabilities = rng.dirichlet(np.ones(classes), rows) + 0.6 * np.eye(classes)[truth]
    return truth, probabilities / probabilities.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("positive", [0, 1])
def test_binary_metrics_match_scikit_learn(positive: int) -> None:
    truth, probabilities = sample(2)
    predicted = probabilities.argmax(axis=1)
    is_positive = truth == positive
    score = probabilities[:, positive]

    measured = classification_metrics(truth, predicted, probabilities, positive)

    assert measured == pytest.approx(
        {
            "accuracy": reference.accuracy_score(truth, predicted),
            "balanced_accuracy": reference.balanced_accuracy_score(truth, predicted),
            "f1": reference.f1_score(truth, predicted, pos_label=positive),
            "mcc": reference.matthews_corrcoef(truth, predicted),
            "roc_auc": reference.roc_auc_score(is_positive, score),
            "pr_auc": reference.average_precision_score(is_positive, score),
            "log_loss": reference.log_loss(truth, probabilities),
            "brier": reference.brier_score_loss(is_positive, score),
        }
    )


def test_multiclass_metrics_match_scikit_learn() -> None:
    truth, probabilities = sample(4)
    predicted = probabilities.argmax(axis=1)

    measured = classification_metrics(truth, predicted, probabilities, None)

    assert measured["f1"] == pytest.approx(reference.f1_score(truth, predicted, average="macro"))
    assert measured["mcc"] == pytest.approx(reference.matthews_corrcoef(truth, predicted))
    assert measured["roc_auc"] == pytest.approx(
        reference.roc_auc_score(truth, probabilities, multi_class="ovr")
    )
    assert measured["log_loss"] == pytest.approx(reference.log_loss(truth, probabilities))


def test_multiclass_pr_auc_and_brier_are_means_in_the_order_of_the_classes() -> None:
    truth, probabilities = sample(3)
    one_hot = np.eye(3)[truth]

    measured = classification_metrics(truth, probabilities.argmax(axis=1), probabilities, None)

    assert measured["pr_auc"] == pytest.approx(
        reference.average_precision_score(one_hot, probabilities, average="macro")
    )
    assert measured["brier"] == pytest.approx(((probabilities - one_hot) ** 2).sum(axis=1).mean())


def test_binary_metrics_of_five_rows_are_what_one_computes_by_hand() -> None:
    truth = np.array([0, 0, 1, 1, 1])
    score = np.array([0.1, 0.6, 0.4, 0.8, 0.9])
    predicted = (score > 0.5).astype(np.int64)

    measured = classification_metrics(truth, predicted, np.stack([1 - score, score], axis=1), 1)

    assert measured == pytest.approx(
        {
            "accuracy": 3 / 5,
            "balanced_accuracy": (1 / 2 + 2 / 3) / 2,
            "f1": 2 * 2 / (3 + 3),
            "mcc": (2 * 1 - 1 * 1) / np.sqrt(3 * 3 * 2 * 2),
            "roc_auc": 5 / 6,
            "pr_auc": (1 + 1 + 3 / 4) / 3,
            "log_loss": -np.log([0.9, 0.4, 0.4, 0.8, 0.9]).mean(),
            "brier": (0.01 + 0.36 + 0.36 + 0.04 + 0.01) / 5,
        }
    )


def test_a_class_without_held_out_rows_leaves_what_it_would_be_averaged_into_undefined() -> None:
    truth, probabilities = sample(3)
    truth[truth == 2] = 0

    measured = classification_metrics(truth, probabilities.argmax(axis=1), probabilities, None)

    assert measured.keys() == {
        "accuracy", "balanced_accuracy", "f1", "mcc", "log_loss", "brier",
    }  # fmt: skip


def test_metrics_that_need_both_classes_are_absent_when_one_is_missing() -> None:
    truth = np.zeros(4, dtype=np.int64)
    probabilities = np.tile([0.9, 0.1], (4, 1))

    measured = classification_metrics(truth, truth, probabilities, 1)

    assert measured.keys() == {"accuracy", "balanced_accuracy", "log_loss", "brier"}
    assert measured["accuracy"] == 1.0


def test_confident_mistake_has_a_finite_log_loss() -> None:
    measured = classification_metrics(
        np.array([0, 1]), np.array([1, 0]), np.array([[0.0, 1.0], [1.0, 0.0]]), 1
    )

    assert 30 < measured["log_loss"] < 40


def test_log_loss_without_any_doubt_is_written_without_a_sign() -> None:
    measured = classification_metrics(np.array([0, 1]), np.array([0, 1]), np.eye(2), 1)

    assert f"{measured['log_loss']:.4f}" == "0.0000"


def test_confusion_matrix_counts_truth_by_row() -> None:
    counts = confusion_matrix(np.array([0, 0, 2]), np.array([0, 1, 2]), 3)

    assert counts.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]


def test_regression_metrics_match_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=50)
    predicted = truth + rng.normal(scale=0.3, size=50)

    assert regression_metrics(truth, predicted) == pytest.approx(
        {
            "rmse": reference.root_mean_squared_error(truth, predicted),
            "mae": reference.mean_absolute_error(truth, predicted),
            "r2": reference.r2_score(truth, predicted),
        }
    )


@pytest.mark.parametrize("value", [1.0, 0.1])
def test_r2_of_a_constant_truth_is_absent(value: float) -> None:
    assert regression_metrics(np.full(3, value), np.zeros(3)).keys() == {"rmse", "mae"}
