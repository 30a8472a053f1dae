"""Lets AutoGluon prepare tables with many columns in linear time.

`FeatureMetadata` and `AbstractFeatureGenerator._get_feature_links_from_chain` look every column's
name up in a list of all names, and `infer_types.get_type_map_special` looks for dates and prose in
columns of numbers: with 12,625 columns and 64 rows that took a minute before the first model, and
grows with the square of the columns. Here are the same functions with the same results, which look
names up in sets and dictionaries.
"""

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pandas as pd

from omniscope_automl.engine.replaced import replaced

Links = dict[str, list[str]]


@contextmanager
def wide_tables() -> Iterator[None]:
    """Replace AutoGluon's quadratic functions for the time of a training."""
    from autogluon.common.features import infer_types
    from autogluon.common.features.feature_metadata import FeatureMetadata
    from autogluon.features.generators import AbstractFeatureGenerator

    special_types = _special_types_of(infer_types.get_types_special)
    replacements: tuple[tuple[Any, str, Any], ...] = (
        (FeatureMetadata, "remove_features", _remove_features),
        (FeatureMetadata, "keep_features", _keep_features),
        (FeatureMetadata, "to_dict", _to_dict),
        (AbstractFeatureGenerator, "_get_feature_links_from_chain", staticmethod(_feature_links)),
        (infer_types, "get_type_map_special", special_types),
    )
    with ExitStack() as stack:
        for owner, name, function in replacements:
            stack.enter_context(replaced(owner, name, function))
        yield


def _remove_features(metadata: Any, features: Iterable[str], inplace: bool = False) -> Any:
    gone = set(features)
    _check_known(metadata, gone, "remove_features")
    changed = metadata if inplace else copy.deepcopy(metadata)
    for feature in gone:
        changed.type_map_raw.pop(feature)
    for special, members in changed.type_group_map_special.items():
        changed.type_group_map_special[special] = [f for f in members if f not in gone]
    return changed


def _keep_features(metadata: Any, features: Iterable[str], inplace: bool = False) -> Any:
    kept = set(features)
    _check_known(metadata, kept, "keep_features")
    gone = [feature for feature in metadata.type_map_raw if feature not in kept]
    return metadata.remove_features(features=gone, inplace=inplace)


def _check_known(metadata: Any, features: set[str], function: str) -> None:
    unknown = sorted(features - metadata.type_map_raw.keys())
    if unknown:
        raise KeyError(
            f"{function} was called with a feature that does not exist in feature metadata. "
            f"Invalid Features: {unknown}"
        )


def _to_dict(metadata: Any, inverse: bool = False) -> dict[Any, Any]:
    specials: Links = defaultdict(list)
    for special, members in metadata.type_group_map_special.items():
        for feature in members:
            specials[feature].append(special)
    types = {
        feature: (raw, tuple(sorted(specials.get(feature, ()))))
        for feature, raw in metadata.type_map_raw.items()
    }
    if not inverse:
        return types
    features: dict[Any, list[str]] = defaultdict(list)
    for feature, kind in types.items():
        features[kind].append(feature)
    return dict(features)


def _special_types_of(
    types_of: Callable[[pd.Series], list[str]],
) -> Callable[[pd.DataFrame], Links]:
    """Look for dates and prose in columns that can hold them; numbers are neither."""

    def special_types(frame: pd.DataFrame) -> Links:
        other = frame.select_dtypes(exclude="number")
        return {str(name): kinds for name in other if (kinds := types_of(other[name]))}

    return special_types


def _feature_links(feature_links_chain: list[Links]) -> Links:
    links = feature_links_chain[0]
    for following in feature_links_chain[1:]:
        links = {
            feature: list({end for link in reached for end in following.get(link, ())})
            for feature, reached in links.items()
        }
    return links
