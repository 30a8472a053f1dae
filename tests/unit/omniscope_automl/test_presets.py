"""The names that the API accepts are those of the installed AutoGluon."""

from autogluon.core.metrics import METRICS as ENGINE_METRICS
from autogluon.tabular.configs.presets_configs import tabular_presets_dict
from autogluon.tabular.registry import ag_model_registry

from omniscope_automl.presets import (
    DEFAULT_METRICS,
    DEFAULT_PRESET,
    FAMILY_REQUIREMENTS,
    METRICS,
    MODEL_FAMILIES,
    PRESETS,
)


def test_presets_are_those_of_the_engine():
    for preset in PRESETS:
        assert tabular_presets_dict[preset.name].get("auto_stack", False) == preset.bagging
        assert preset.bagging == preset.stacking
    assert DEFAULT_PRESET in {preset.name for preset in PRESETS}


def test_families_are_those_of_the_engine():
    assert set(MODEL_FAMILIES) <= set(ag_model_registry.keys)
    assert set(FAMILY_REQUIREMENTS) <= set(MODEL_FAMILIES)


def test_metrics_are_those_of_the_engine_under_their_full_names():
    for problem_type, names in METRICS.items():
        scorers = ENGINE_METRICS[problem_type]
        assert [scorers[name].name for name in names] == list(names)
        assert len({scorers[name] for name in names}) == len(names)
        assert DEFAULT_METRICS[problem_type] in names
