"""Which columns are chosen, and by which rows."""

import numpy as np
import pandas as pd
import pytest

from omniscope_ml.errors import DataError
from omniscope_ml.preprocessing.options import SelectionMethod, SelectionOptions
from omniscope_ml.preprocessing.selection import FeatureSelector, SelectedFeatures
from omniscope_ml.schema import Feature

ROWS = np.arange(80)
CODES = ROWS % 2


def selector(method: SelectionMethod = "f_test", top_k: int = 2) -> FeatureSelector:
    return FeatureSelector(SelectionOptions(method=method, top_k=top_k))


def expression() -> tuple[pd.DataFrame, list[Feature]]:
    values = np.random.default_rng(0).normal(size=(80, 30))
    values[:, 7] += 3 * CODES
    values[:, 21] -= 2 * CODES
    values[:, 4] *= 10
    values[:, 5] = 1.0
    values[:10, 21] = np.nan
    frame = pd.DataFrame(values, columns=[f"g{i}" for i in range(30)])
    frame["site"] = np.where(ROWS % 3 == 0, "north", "south")
    kinds = ["float64"] * 30 + ["string"]
    return frame, [Feature(str(name), kind) for name, kind in zip(frame, kinds, strict=True)]


def test_f_test_finds_what_differs_between_classes() -> None:
    frame, features = expression()

    chosen = selector().fit(frame, features, ROWS, codes=CODES)

    assert chosen.names == ("g7", "g21", "site")
    assert chosen.scores[0] > chosen.scores[1] > 50
    assert np.isnan(chosen.scores[2])
    assert list(chosen.transform(frame)) == ["g7", "g21", "site"]
    assert [feature.name for feature in chosen.of(features)] == ["g7", "g21", "site"]


def test_f_test_finds_what_goes_with_numbers() -> None:
    frame, features = expression()
    target = frame["g3"].to_numpy() - 2 * frame["g9"].to_numpy()

    chosen = selector().fit(frame, features, ROWS, numbers=target)

    assert chosen.names == ("g3", "g9", "site")


def test_variance_needs_no_target() -> None:
    frame, features = expression()

    assert selector("variance", 1).fit(frame, features, ROWS).names == ("g4", "site")


def test_columns_that_never_vary_come_last_and_perfect_ones_first() -> None:
    frame, features = expression()
    frame["g0"] = CODES.astype(float)

    assert selector(top_k=1).fit(frame, features, ROWS, codes=CODES).names == ("g0", "site")
    assert "g5" not in selector(top_k=29).fit(frame, features, ROWS, codes=CODES).names
    assert len(selector(top_k=500).fit(frame, features, ROWS, codes=CODES).names) == 31


def test_rows_that_do_not_train_change_nothing() -> None:
    frame, features = expression()
    changed, codes = frame.copy(), CODES.copy()
    changed.loc[60:, "g11"] = 1e6 * CODES[60:]
    codes[60:] = 1 - codes[60:]

    chosen = selector().fit(frame, features, ROWS[:60], codes=CODES)
    again = selector().fit(changed, features, ROWS[:60], codes=codes)

    assert chosen.names == again.names
    assert np.array_equal(chosen.scores, again.scores, equal_nan=True)


def test_tables_without_numbers_are_kept_whole() -> None:
    frame, features = expression()

    assert selector().fit(frame, features[30:], ROWS, codes=CODES).names == ("site",)


def test_stored_choices_are_the_same() -> None:
    frame, features = expression()
    chosen = selector().fit(frame, features, ROWS, codes=CODES)

    restored = SelectedFeatures.from_arrays(chosen.to_arrays())

    assert restored.names == chosen.names
    assert np.array_equal(restored.scores, chosen.scores, equal_nan=True)


def test_choices_that_lack_an_array_are_a_damaged_package() -> None:
    with pytest.raises(DataError, match="lacks scores") as caught:
        SelectedFeatures.from_arrays({"names": np.array(["g1"])})

    assert caught.value.reason == "PACKAGE_CORRUPT"


def test_f_test_without_a_target_is_refused() -> None:
    frame, features = expression()

    with pytest.raises(DataError, match="needs a target"):
        selector().fit(frame, features, ROWS)


@pytest.mark.parametrize(
    ("method", "top_k", "said"),
    [("luck", 5, "allowed are f_test, variance"), ("f_test", 0, "top_k is 0")],
)
def test_unknown_options_are_refused(method: str, top_k: int, said: str) -> None:
    with pytest.raises(DataError, match=said):
        SelectionOptions(method=method, top_k=top_k)  # type: ignore[arg-type]  # a bad value
