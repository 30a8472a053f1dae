"""What follows from a target column's profile."""

import pytest

from omniscope.automl.v1.automl_service_pb2 import TrainRequest
from omniscope.common.v1.dataset_pb2 import Dataset, DatasetColumn, ValueCount
from omniscope_service.errors import InvalidArgument
from omniscope_training.target import resolve_target, sorted_classes


def column(type_: str, counts: dict[str, int] | None = None, **fields) -> DatasetColumn:
    values = [ValueCount(value=value, count=count) for value, count in (counts or {}).items()]
    if counts is not None:
        fields.setdefault("distinct_count", len(counts))
    return DatasetColumn(name="y", type=type_, top_values=values, **fields)


def numbers(type_: str = "float64", **fields) -> DatasetColumn:
    return column(type_, min=0.0, max=9.0, **fields)


def resolve(target: DatasetColumn, problem_type: str = "auto", rows: int = 100, **fields):
    request = TrainRequest(target_column="y", problem_type=problem_type, **fields)
    return resolve_target(request, Dataset(name="cells", row_count=rows), target)


@pytest.mark.parametrize(
    ("target", "rows", "expected"),
    [
        (column("string", {"a": 60, "b": 40}), 100, "binary"),
        (column("string", {"a": 50, "b": 30, "c": 20}), 100, "multiclass"),
        (column("bool", {"true": 60, "false": 40}), 100, "binary"),
        (numbers("int64", counts={"0": 60, "7": 40}), 100, "binary"),
        (numbers("int64", counts={"1": 40, "2": 30, "3": 30}), 100, "multiclass"),
        (numbers("int64", counts={str(n): 5 for n in range(20)}), 100, "regression"),
        (numbers("int64", counts={str(n): 100 for n in range(20)}), 2000, "multiclass"),
        (numbers("int64"), 5000, "regression"),
        (numbers("float32"), 100, "regression"),
        (numbers("float64"), 100, "regression"),
        (numbers("float64", counts={"0.0": 60, "1.0": 40}), 100, "binary"),
        (numbers("float32", counts={f"{n}.0": 5 for n in range(20)}), 100, "regression"),
    ],
)
def test_auto_finds_the_problem_type(target, rows, expected):
    assert resolve(target, rows=rows).problem_type == expected


@pytest.mark.parametrize(("classes", "expected"), [(2, "binary"), (3, "multiclass")])
def test_classification_decides_by_the_number_of_classes(classes, expected):
    target = column("string", {str(n): 10 for n in range(classes)})

    assert resolve(target, "classification", rows=10 * classes).problem_type == expected


def test_integers_may_be_learned_as_numbers_or_as_classes():
    target = numbers("int64", counts={str(n): 5 for n in range(20)})

    assert resolve(target, "regression").problem_type == "regression"
    assert resolve(target, "multiclass").problem_type == "multiclass"


def test_the_positive_class_is_the_second_in_native_order():
    assert resolve(numbers("int64", counts={"10": 60, "9": 40})).positive_class == "10"
    assert resolve(column("string", {"ill": 60, "healthy": 40})).positive_class == "ill"
    assert resolve(column("bool", {"true": 60, "false": 40})).positive_class == "true"


def test_other_problems_have_no_positive_class():
    assert resolve(numbers()).positive_class is None


def test_classes_are_sorted_by_value_or_by_code_point():
    assert sorted_classes(numbers("int64", counts={"10": 1, "9": 2, "-1": 3})) == ["-1", "9", "10"]
    assert sorted_classes(column("string", {"b": 1, "B": 2, "10": 3})) == ["10", "B", "b"]


def test_rows_without_a_label_do_not_count():
    target = column("string", {"a": 30, "b": 20}, missing_count=50)

    assert resolve(target).rows == 50


@pytest.mark.parametrize(
    ("target", "problem_type", "reason"),
    [
        (column("string", {"a": 100}), "auto", "TARGET_SINGLE_CLASS"),
        (column("string", {}, missing_count=100), "auto", "TARGET_SINGLE_CLASS"),
        (column("float64", min=2.0, max=2.0), "regression", "TARGET_SINGLE_CLASS"),
        (column("float64", missing_count=100), "auto", "TARGET_SINGLE_CLASS"),
        (column("string", {"a": 98, "b": 2}), "auto", "TARGET_CLASS_TOO_SMALL"),
        (
            column("string", {str(n): 4 for n in range(20)}, distinct_count=40),
            "multiclass",
            "TARGET_CLASS_TOO_SMALL",
        ),
        (column("string", {"a": 50, "b": 50}), "regression", "TARGET_NOT_NUMERIC"),
        (column("bool", {"true": 50, "false": 50}), "regression", "TARGET_NOT_NUMERIC"),
        (column("timestamp"), "regression", "TARGET_NOT_NUMERIC"),
        (column("timestamp"), "auto", "PROBLEM_TYPE_MISMATCH"),
        (numbers(), "classification", "PROBLEM_TYPE_MISMATCH"),
        (column("string"), "auto", "PROBLEM_TYPE_MISMATCH"),
        (numbers("int64"), "multiclass", "PROBLEM_TYPE_MISMATCH"),
        (column("string", {"a": 50, "b": 50}), "multiclass", "PROBLEM_TYPE_MISMATCH"),
        (column("string", {"a": 40, "b": 30, "c": 30}), "binary", "PROBLEM_TYPE_MISMATCH"),
        (column("string", {}, distinct_count=2), "auto", "PROBLEM_TYPE_MISMATCH"),
        (column("string", {"a": 50}, distinct_count=2), "binary", "PROBLEM_TYPE_MISMATCH"),
        (column("string", {"a": 6, "b": 6}, missing_count=88), "auto", "DATASET_TOO_SMALL"),
    ],
)
def test_what_cannot_be_learned_is_refused(target, problem_type, reason):
    with pytest.raises(InvalidArgument) as refused:
        resolve(target, problem_type)

    assert refused.value.reason == reason


def test_unlisted_classes_that_may_be_large_enough_are_accepted():
    target = column("string", {str(n): 4 for n in range(20)}, distinct_count=26)

    assert resolve(target, "multiclass").problem_type == "multiclass"


@pytest.mark.parametrize(
    ("target", "allowed"),
    [
        (column("string", {"ill": 50, "healthy": 50}), "'healthy', 'ill'"),
        (column("string", {"a": 40, "b": 30, "c": 30}), "multiclass problems have none"),
    ],
)
def test_an_unknown_positive_class_is_refused(target, allowed):
    with pytest.raises(InvalidArgument) as refused:
        resolve(target, positive_class="sick")

    assert refused.value.reason == "POSITIVE_CLASS_UNKNOWN"
    assert refused.value.field == "positive_class"
    assert allowed in refused.value.message
