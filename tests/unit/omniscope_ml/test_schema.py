import numpy as np
import pandas as pd
import pytest

from omniscope_ml.errors import DataError
from omniscope_ml.schema import Feature, align

FEATURES = (
    Feature("gene", "float32"),
    Feature("sex", "string"),
    Feature("age", "int64"),
    Feature("smoker", "bool"),
    Feature("day", "timestamp"),
)


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "day": ["2024-01-02", None],
            "extra": [0, 0],
            "smoker": [True, None],
            "age": [41, 52],
            "gene": [0.5, np.nan],
            "sex": ["f", None],
        }
    )


def test_columns_are_picked_ordered_and_typed() -> None:
    aligned = align(frame(), FEATURES)

    assert list(aligned.columns) == ["gene", "sex", "age", "smoker", "day"]
    assert [str(dtype) for dtype in aligned.dtypes] == [
        "float32",
        "object",
        "float64",
        "float32",
        "datetime64[ns]",
    ]
    assert aligned["smoker"].tolist()[0] == 1.0
    assert aligned["sex"].tolist() == ["f", None]


def test_missing_values_change_no_type() -> None:
    complete = frame().iloc[:1]

    assert (align(complete, FEATURES).dtypes == align(frame(), FEATURES).dtypes).all()


def test_numbers_come_as_texts_and_categories_as_numbers() -> None:
    aligned = align(
        pd.DataFrame({"gene": ["1.5", None], "sex": [1, 2]}),
        (Feature("gene", "float64"), Feature("sex", "string")),
    )

    assert aligned["gene"].tolist()[0] == 1.5
    assert aligned["sex"].tolist() == ["1", "2"]


def test_frame_that_fits_already_is_not_copied() -> None:
    matrix = np.ones((3, 2), dtype=np.float32)
    fitting = pd.DataFrame(matrix, columns=["a", "b"], copy=False)

    aligned = align(fitting, (Feature("a", "float32"), Feature("b", "float32")))

    assert np.shares_memory(aligned.to_numpy(), matrix)


def test_missing_columns_are_named() -> None:
    with pytest.raises(DataError, match="not there: gene, smoker") as caught:
        align(frame().drop(columns=["gene", "smoker"]), FEATURES)

    assert caught.value.reason == "FEATURES_MISSING"


def test_many_missing_columns_are_counted() -> None:
    features = [Feature(f"g{i}", "float32") for i in range(15)]

    with pytest.raises(DataError, match="g9 and 5 more"):
        align(pd.DataFrame({"a": [1]}), features)


def test_duplicated_column_is_refused() -> None:
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])

    with pytest.raises(DataError, match="'a' appears more than once"):
        align(twice, [Feature("a", "float32")])


@pytest.mark.parametrize(
    ("name", "value", "expected"), [("age", "old", "a number"), ("day", "soon", "a timestamp")]
)
def test_value_of_a_wrong_type_is_named_by_column_and_row(
    name: str, value: str, expected: str
) -> None:
    wrong = frame().astype({name: object})
    wrong.loc[1, name] = value

    with pytest.raises(DataError, match=f"'{name}' must hold {expected}; row 2"):
        align(wrong, FEATURES)
