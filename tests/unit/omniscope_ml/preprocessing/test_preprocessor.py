"""Transforms: what they compute, that only training rows count, that they survive storage."""

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler, StandardScaler

from omniscope_ml.errors import DataError
from omniscope_ml.preprocessing.archive import read_arrays, write_arrays
from omniscope_ml.preprocessing.options import Imputation, PreprocessingOptions, Scaling
from omniscope_ml.preprocessing.preprocessor import FittedPreprocessor, Preprocessor
from omniscope_ml.schema import Feature
from tests.unit.omniscope_ml.preprocessing.conftest import FEATURES

ALL = np.arange(60)
TRAINING = np.arange(40)


def numbers_with_gaps() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    values = rng.normal(3, 5, (80, 12)).round(0)
    values[rng.random(values.shape) < 0.2] = np.nan
    values[:, 3] = 7.0
    return pd.DataFrame(values, columns=[f"g{i}" for i in range(12)])


@pytest.mark.parametrize("imputation", ["mean", "median", "most_frequent"])
@pytest.mark.parametrize(
    ("scaling", "scaler"), [("standard", StandardScaler()), ("robust", RobustScaler())]
)
def test_numbers_come_out_as_from_scikit_learn(
    imputation: Imputation, scaling: Scaling, scaler: object
) -> None:
    frame = numbers_with_gaps()
    features = [Feature(str(name), "float64") for name in frame]
    theirs = make_pipeline(SimpleImputer(strategy=imputation), scaler).fit(frame.iloc[:60])
    options = PreprocessingOptions(imputation=imputation, scaling=scaling)

    ours = Preprocessor(options).fit(frame, features, np.arange(60))

    assert np.allclose(ours.transform(frame), theirs.transform(frame), atol=1e-5)


def test_columns_keep_their_names_and_order(table: pd.DataFrame) -> None:
    fitted = Preprocessor(PreprocessingOptions(indicators=True)).fit(table, FEATURES, ALL)

    assert fitted.output_names == (
        *("gene", "count", "smoker", "visit", "missing(gene)", "missing(visit)"),
        *("stage=I", "stage=II", "stage=III", "stage=(other)"),
    )
    matrix = fitted.transform(table)
    assert matrix.shape == (60, 10)
    assert matrix.dtype == np.float32
    assert np.isfinite(matrix).all()
    assert matrix[:, 4].nonzero()[0].tolist() == [3, 50]


def test_rows_that_do_not_train_change_nothing(table: pd.DataFrame) -> None:
    changed = table.copy()
    changed.loc[40:, "gene"] = 1e6
    changed.loc[40:, "stage"] = "IV"

    fitted, again = (Preprocessor().fit(frame, FEATURES, TRAINING) for frame in (table, changed))

    for name, array in fitted.to_arrays().items():
        assert np.array_equal(array, again.to_arrays()[name]), name


def test_stored_transforms_are_the_same(table: pd.DataFrame, tmp_path) -> None:
    fitted = Preprocessor(PreprocessingOptions(indicators=True)).fit(table, FEATURES, TRAINING)
    write_arrays(tmp_path / "one.npz", fitted.to_arrays())
    write_arrays(tmp_path / "two.npz", fitted.to_arrays())

    restored = FittedPreprocessor.from_arrays(read_arrays(tmp_path / "one.npz"))

    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    assert restored.output_names == fitted.output_names
    assert restored.features == FEATURES
    assert np.array_equal(restored.transform(table), fitted.transform(table))


def test_tables_of_numbers_only_and_of_texts_only_are_stored(table: pd.DataFrame) -> None:
    for features in (FEATURES[:1], FEATURES[1:2]):
        fitted = Preprocessor().fit(table, features, TRAINING)

        restored = FittedPreprocessor.from_arrays(fitted.to_arrays())

        assert np.array_equal(restored.transform(table), fitted.transform(table))


def test_new_rare_and_missing_categories_are_the_others() -> None:
    frame = pd.DataFrame({"stage": ["I", "I", "II", "II", "III", None]}, dtype=object)
    features = [Feature("stage", "string")]
    new = pd.DataFrame({"stage": ["I", "III", "IV", None]}, dtype=object)
    rows = np.arange(6)

    one_hot = Preprocessor(PreprocessingOptions(min_category_rows=2)).fit(frame, features, rows)
    ordinal = Preprocessor(PreprocessingOptions(encoding="ordinal")).fit(frame, features, rows)

    assert one_hot.output_names == ("stage=I", "stage=II", "stage=(other)")
    assert one_hot.transform(new).tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]]
    assert ordinal.output_names == ("stage",)
    assert ordinal.transform(new).tolist() == [[1], [3], [0], [0]]


def test_texts_that_no_training_row_has_stand_in_the_middle_of_the_training_rows() -> None:
    frame = pd.DataFrame({"stage": ["I", "I", "II", "I"], "sex": ["f", None, "m", "f"]})
    features = [Feature("stage", "string"), Feature("sex", "string")]
    new = pd.DataFrame({"stage": ["IV", None, "II"], "sex": ["x", None, "f"]}, dtype=object)

    fitted = Preprocessor().fit(frame.astype(object), features, np.arange(4))
    restored = FittedPreprocessor.from_arrays(fitted.to_arrays())

    middle, trained = [0.75, 0.25, 0], [0, 0, 1]
    assert restored.output_names[2:4] == ("stage=(other)", "sex=f")
    assert restored.transform(new).tolist() == [
        [*middle, *trained],
        [*middle, *trained],
        [0, 1, 0, 1, 0, 0],
    ]


def test_a_text_column_keeps_its_most_frequent_categories() -> None:
    frame = pd.DataFrame({"city": ["d", "a", "b", "c", "c", "b", "d", "e"]}, dtype=object)
    options = PreprocessingOptions(most_categories=2)

    fitted = Preprocessor(options).fit(frame, [Feature("city", "string")], np.arange(8))

    assert fitted.output_names == ("city=b", "city=c", "city=(other)")
    assert fitted.transform(frame[:3]).tolist() == [[0, 0, 1], [0, 0, 1], [1, 0, 0]]


def test_free_texts_give_no_more_than_256_categories() -> None:
    texts = [f"text {row // 2}" for row in range(40_000)]
    frame = pd.DataFrame({"note": texts}, dtype=object)

    fitted = Preprocessor().fit(frame, [Feature("note", "string")], np.arange(40_000))
    matrix = fitted.transform(frame)

    assert matrix.shape == (40_000, 257)
    assert (matrix.sum(axis=1) == 1).all()
    assert matrix[:, -1].sum() == 40_000 - 2 * 256


def test_logarithm_comes_before_everything_else() -> None:
    frame = pd.DataFrame({"reads": [0.0, 9.0, 99.0, -9.0]})
    options = PreprocessingOptions(log1p=True, scaling="none")

    fitted = Preprocessor(options).fit(frame, [Feature("reads", "float64")], np.arange(4))

    expected = [0.0, np.log(10), np.log(100), -np.log(10)]
    assert np.allclose(fitted.transform(frame)[:, 0], expected)


def test_columns_without_any_training_value_are_filled_with_the_constant() -> None:
    frame = pd.DataFrame({"gene": [np.nan, np.nan, 3.0], "other": [np.inf, 1.0, 2.0]})
    features = [Feature("gene", "float64"), Feature("other", "float64")]
    options = PreprocessingOptions(constant=-1.0, scaling="none")

    fitted = Preprocessor(options).fit(frame, features, np.arange(2))

    assert fitted.transform(frame).tolist() == [[-1.0, 1.0], [-1.0, 1.0], [3.0, 2.0]]


def test_values_that_no_network_can_hold_harm_no_other_value() -> None:
    mark = np.finfo(np.float64).max
    frame = pd.DataFrame({"gene": [1.0, 3.0, mark, -mark, 3.4e38, -3.4e38]})

    fitted = Preprocessor().fit(frame, [Feature("gene", "float64")], np.arange(4))

    # Two rows of four are missing, filled with the median: the deviation is half of 1.
    matrix = fitted.transform(frame)[:, 0]
    assert np.allclose(matrix[:4] * 2**0.5, [-2, 2, 0, 0])
    assert matrix[4:].tolist() == [np.float32(1e12), np.float32(-1e12)]


def test_twenty_thousand_columns_need_no_work_per_column(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=(50, 20_000)).astype(np.float32)
    frame = pd.DataFrame(values, columns=[f"g{i}" for i in range(20_000)])
    features = [Feature(str(name), "float32") for name in frame]

    def one_column(*_: object) -> None:
        raise AssertionError("a column was looked at by itself")

    monkeypatch.setattr(pd.DataFrame, "apply", one_column)
    monkeypatch.setattr(pd.DataFrame, "items", one_column)

    fitted = Preprocessor().fit(frame, features, np.arange(40))

    assert fitted.transform(frame).shape == (50, 20_000)


def test_no_training_row_is_refused(table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="no row to fit on"):
        Preprocessor().fit(table, FEATURES, np.arange(0))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"imputation": "mode"}, "imputation is 'mode'; allowed are mean, median"),
        ({"scaling": "max"}, "allowed are standard, robust, none"),
        ({"encoding": "hash"}, "allowed are one_hot, ordinal"),
        ({"min_category_rows": 0}, "min_category_rows is 0; allowed are 1 and more"),
        ({"most_categories": 0}, "most_categories is 0; allowed are 1 and more"),
    ],
)
def test_unknown_options_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        PreprocessingOptions(**options)  # type: ignore[arg-type]  # values of many types


def test_a_pickle_is_never_written_or_read(tmp_path) -> None:
    with pytest.raises(TypeError, match="'names' holds objects"):
        write_arrays(tmp_path / "a.npz", {"names": np.array(["a"], dtype=object)})

    np.savez(tmp_path / "b.npz", names=np.array(["a"], dtype=object))
    with pytest.raises(DataError, match=r"b\.npz holds no arrays") as caught:
        read_arrays(tmp_path / "b.npz")

    assert caught.value.reason == "PACKAGE_CORRUPT"


@pytest.mark.parametrize(
    "name", ["format", "feature_names", "numbers.fill", "categories.counts", "categories.others"]
)
def test_missing_arrays_are_a_damaged_package(table: pd.DataFrame, name: str) -> None:
    arrays = Preprocessor().fit(table, FEATURES, TRAINING).to_arrays()
    del arrays[name]

    with pytest.raises(DataError) as caught:
        FittedPreprocessor.from_arrays(arrays)

    assert caught.value.reason == "PACKAGE_CORRUPT"


def test_arrays_of_another_format_are_refused(table: pd.DataFrame) -> None:
    arrays = Preprocessor().fit(table, FEATURES, TRAINING).to_arrays()

    with pytest.raises(DataError, match="has format 1; this version reads 2"):
        FittedPreprocessor.from_arrays({**arrays, "format": np.array(1)})
