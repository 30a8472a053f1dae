"""A spec survives the way to the child."""

import json

import pytest

from omniscope_automl.spec import TrainSpec, hard_limit_seconds

SPEC = TrainSpec(
    dataset_id="01J9ZQ4T9V8XKQ2W3E4R5T6Y7U",
    dataset_digest="0" * 64,
    target_column="outcome",
    feature_columns=("gene1", "gene2"),
    problem_type="binary",
    positive_class="ill",
    time_limit=60,
    quality="medium_quality",
    key_column=None,
    weight_column="weight",
    split_strategy="stratified",
    test_fraction=0.2,
    split_seed=1,
    seed=2,
    eval_metric="accuracy",
    included_model_families=("GBM",),
    excluded_model_families=(),
    job_id="01J9ZQ4T9V8XKQ2W3E4R5T6Y7V",
    attempt=1,
)


def test_a_spec_survives_json():
    assert TrainSpec.from_dict(json.loads(json.dumps(SPEC.to_dict()))) == SPEC


@pytest.mark.parametrize("change", [{"seed": None, "sede": 1}, {"seed": None}, {"new": 1}])
def test_a_spec_of_another_version_is_refused(change):
    values = SPEC.to_dict() | change
    values = {name: value for name, value in values.items() if value is not None or name != "seed"}

    with pytest.raises(ValueError, match="a training spec has exactly"):
        TrainSpec.from_dict(values)


def test_the_hard_limit_leaves_room_for_overruns():
    assert [hard_limit_seconds(seconds) for seconds in (10, 600)] == [133, 870]
