"""The replacements give what AutoGluon's own functions give."""

import copy

import numpy as np
import pandas as pd
import pytest
from autogluon.common.features import infer_types
from autogluon.common.features.feature_metadata import FeatureMetadata
from autogluon.features.generators import AbstractFeatureGenerator, AutoMLPipelineFeatureGenerator

from omniscope_automl.engine.wide_tables import wide_tables

METADATA = FeatureMetadata(
    type_map_raw={"a": "float", "b": "int", "c": "object", "d": "float"},
    type_group_map_special={"bool": ["b"], "text": ["c"], "binned": ["b", "a"]},
)
CHAIN = [
    {"a": ["a1", "a2"], "b": ["b1"], "c": []},
    {"a1": ["x"], "a2": ["x", "y"], "b1": ["z"]},
    {"x": ["p"], "z": ["q", "r"]},
]


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    numbers = pd.DataFrame(rng.normal(size=(40, 6)), columns=list("abcdef"), dtype="float32")
    return numbers.assign(
        same=1.0,
        copied=numbers["a"],
        flag=[0.0, 1.0] * 20,
        island=rng.choice(["Biscoe", "Dream"], 40),
        day=["2024-01-02", "2024-02-03"] * 20,
        prose=[f"row {i} says something of its own" for i in range(40)],
        when=pd.Timestamp("2024-01-02"),
    )


def answers() -> list[object]:
    return [
        METADATA.keep_features(["d", "b"]).to_dict(),
        METADATA.remove_features(["a", "c"]).to_dict(inverse=True),
        dict(METADATA.remove_features(["a"]).type_group_map_special),
        METADATA.to_dict(),
        METADATA.to_dict(inverse=True),
        {
            feature: sorted(links)
            for feature, links in AbstractFeatureGenerator._get_feature_links_from_chain(
                copy.deepcopy(CHAIN)
            ).items()
        },
        dict(infer_types.get_type_group_map_special(frame())),
    ]


def prepared() -> tuple[pd.DataFrame, list[str], dict[str, object]]:
    generator = AutoMLPipelineFeatureGenerator(verbosity=0)
    transformed = generator.fit_transform(frame())
    return transformed, generator.features_in, generator.feature_metadata.to_dict()


def test_each_function_answers_as_before():
    before = answers()

    with wide_tables():
        assert answers() == before


@pytest.mark.slow
def test_a_table_is_prepared_as_before():
    transformed, features, types = prepared()

    with wide_tables():
        again, same_features, same_types = prepared()

    pd.testing.assert_frame_equal(again, transformed)
    assert (same_features, same_types) == (features, types)


@pytest.mark.parametrize("function", ["keep_features", "remove_features"])
def test_unknown_feature_is_named_as_before(function):
    with pytest.raises(KeyError) as before:
        getattr(METADATA, function)(["nope"])

    with wide_tables(), pytest.raises(KeyError) as now:
        getattr(METADATA, function)(["nope"])

    assert str(now.value) == str(before.value)


def test_functions_are_given_back():
    before = FeatureMetadata.keep_features

    with wide_tables():
        assert FeatureMetadata.keep_features is not before

    assert FeatureMetadata.keep_features is before


class Name(str):
    """A column's name that counts how often it is compared with others."""

    __slots__ = ()
    __hash__ = str.__hash__
    comparisons = 0

    def __eq__(self, other: object) -> bool:
        Name.comparisons += 1
        return str.__eq__(self, other)


def names(columns: int) -> list[Name]:
    return [Name(f"column{number}") for number in range(columns)]


def metadata(columns: list[Name]) -> FeatureMetadata:
    return FeatureMetadata(dict.fromkeys(columns, "float"), {"stack": list(columns)})


def links(columns: list[Name]) -> list[dict[Name, list[Name]]]:
    return [{name: [name] for name in columns}] * 2


BOOKKEEPING = {
    "keep_features": lambda columns: metadata(columns).keep_features(columns[::2]),
    "remove_features": lambda columns: metadata(columns).remove_features(columns[::2]),
    "to_dict": lambda columns: metadata(columns).to_dict(),
    "feature_links": lambda columns: AbstractFeatureGenerator._get_feature_links_from_chain(
        links(columns)
    ),
}


def growth(function: str) -> float:
    """Return how many times more names are compared where the columns are twice as many."""
    counts = []
    for size in (100, 200):
        columns = names(size)
        Name.comparisons = 0
        BOOKKEEPING[function](columns)
        counts.append(Name.comparisons + 1)
    return counts[1] / counts[0]


@pytest.mark.parametrize("function", BOOKKEEPING)
def test_autogluon_compares_every_name_with_every_other(function):
    assert growth(function) > 3


@pytest.mark.parametrize("function", BOOKKEEPING)
def test_names_are_looked_up_instead(function):
    with wide_tables():
        assert growth(function) < 2.5


def test_autogluon_looks_for_dates_and_prose_in_numbers(monkeypatch):
    seen = set()

    def see(column: pd.Series) -> list[str]:
        seen.add(column.name)
        return []

    monkeypatch.setattr(infer_types, "get_types_special", see)
    infer_types.get_type_map_special(frame())
    assert {"a", "flag"} <= seen
    seen.clear()

    with wide_tables():
        infer_types.get_type_map_special(frame())

    assert seen == {"island", "day", "prose", "when"}
