import numpy as np
import pytest

from omniscope_ml.errors import DataError
from omniscope_ml.labels import ClassLabels


def test_numbers_are_sorted_by_value_and_texts_by_code_point() -> None:
    assert ClassLabels.of([10, 2, 10]).texts == ("2", "10")
    assert ClassLabels.of(["b", "B", "ä", "a"]).texts == ("B", "a", "b", "ä")
    assert ClassLabels.of([True, False]).texts == ("false", "true")


@pytest.mark.parametrize(
    ("labels", "label_type"),
    [(["x", "y"], "string"), ([1, 2], "int64"), ([0.5, 1.0], "float64"), ([True, False], "bool")],
)
def test_classes_survive_their_way_as_texts(labels: list[object], label_type: str) -> None:
    classes = ClassLabels.of(labels)

    assert classes.label_type == label_type
    assert ClassLabels.from_texts(classes.texts, label_type) == classes


def test_codes_and_native_labels_are_inverse() -> None:
    classes = ClassLabels.of([3, 1, 2])

    codes = classes.codes([1, 3, 3])

    assert codes.tolist() == [0, 2, 2]
    assert classes.native(codes).tolist() == [1, 3, 3]
    assert classes.native(codes).dtype == np.int64


def test_second_class_is_positive_unless_another_is_named() -> None:
    classes = ClassLabels.of(["no", "yes"])

    assert classes.positive_code(None) == 1
    assert classes.positive_code("no") == 0


def test_unknown_positive_class_is_refused_with_those_allowed() -> None:
    with pytest.raises(DataError, match="'maybe' is none of the classes no, yes") as caught:
        ClassLabels.of(["no", "yes"]).positive_code("maybe")

    assert caught.value.field == "positive_class"
