"""AutoGluon validates on the rows that the plan says: what its models are really given."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
from autogluon.common.utils.validation_structure import ValidationStructure
from autogluon.core.models import AbstractModel

from omniscope_automl.engine.planned_validation import PlannedValidation, validation_arguments
from omniscope_automl.spec import TrainSpec
from omniscope_ml.splits.parts import Rows as SplitRows
from omniscope_ml.training.training_table import TrainingTable, read_training_table
from tests.unit.omniscope_automl.conftest import SPEC, Train
from tests.unit.omniscope_automl.engine.test_finished_models import FailingReport, PlugPulled, kept
from tests.unit.penguins import penguins

Rows = set[int]
Fits = list[tuple[Rows, Rows]]


def visits() -> pd.DataFrame:
    """Return penguins that were seen several times, over years."""
    frame = penguins()
    rows = np.arange(len(frame))
    parts = np.array(["train", "train", "train", "validation", "test"])
    return frame.assign(
        patient=[f"p{row // 5}" for row in rows],
        year=2000.0 + rows * 7 % 150,
        part=parts[rows // 3 % 5],
        fold=rows // 3 % 4,
    )


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> Fits:
    """Collects, for each model that AutoGluon fits, the rows it learns from and is judged by."""
    seen: Fits = []
    plain = AbstractModel.fit

    def fit(model: Any, **arguments: Any) -> Any:
        if arguments.get("X_val") is not None:
            seen.append((set(arguments["X"].index), set(arguments["X_val"].index)))
        return plain(model, **arguments)

    monkeypatch.setattr(AbstractModel, "fit", fit)
    return seen


@pytest.fixture(scope="module")
def dataset(store):
    return store(visits())


def table_of(dataset, spec: TrainSpec) -> TrainingTable:
    return read_training_table(dataset, spec)


def values_of(table: TrainingTable, rows: Rows) -> set[Any]:
    return values_at(table, table.hold_out.train[list(rows)])


def values_at(table: TrainingTable, places: SplitRows) -> set[Any]:
    values = table.division.table.values
    assert values is not None
    return set(values[places])


BY_PATIENT = dataclasses.replace(SPEC, split_strategy="group", split_column="patient")
BY_YEAR = dataclasses.replace(SPEC, split_strategy="time", split_column="year")


@pytest.mark.parametrize("folds", [pytest.param(None, marks=pytest.mark.slow), 3])
def test_no_group_straddles_what_a_model_learns_from_and_is_judged_by(
    folds, dataset, fits, train_model: Train
) -> None:
    spec = dataclasses.replace(BY_PATIENT, folds=folds)

    train_model(spec, visits())

    table = table_of(dataset, spec)
    assert len(fits) >= (folds or 1)
    for learned, judged in fits:
        assert not values_of(table, learned) & values_of(table, judged)
    held_out = values_at(table, table.hold_out.test)
    assert not held_out & values_of(table, set(range(len(table.hold_out.train))))


@pytest.mark.parametrize("folds", [None, pytest.param(3, marks=pytest.mark.slow)])
def test_models_are_judged_by_newer_rows_than_they_learn_from(
    folds, dataset, fits, train_model: Train
) -> None:
    spec = dataclasses.replace(BY_YEAR, folds=folds)

    train_model(spec, visits())

    table = table_of(dataset, spec)
    assert len(fits) >= (folds or 1)
    for learned, judged in fits:
        assert max(values_of(table, learned)) < min(values_of(table, judged))


def test_predefined_validation_rows_judge(dataset, fits, train_model: Train) -> None:
    spec = dataclasses.replace(SPEC, split_strategy="predefined", split_column="part")

    train_model(spec, visits())

    table = table_of(dataset, spec)
    assert fits
    for learned, judged in fits:
        assert values_of(table, learned) == {"train"}
        assert values_of(table, judged) == {"validation"}


def test_predefined_folds_are_autogluons_folds(dataset, fits, train_model: Train) -> None:
    spec = dataclasses.replace(SPEC, split_strategy="predefined", split_column="fold")

    train_model(spec, visits())

    table = table_of(dataset, spec)
    judged = {frozenset(values_of(table, rows)) for _, rows in fits}
    assert judged == {frozenset({0}), frozenset({1}), frozenset({2})}
    assert values_at(table, table.hold_out.test) == {3}


def test_folds_and_shares_of_plain_splits_are_kept_too(dataset, fits, train_model: Train) -> None:
    train_model(dataclasses.replace(SPEC, validation_fraction=0.25), visits())

    assert {(len(learned), len(judged)) for learned, judged in fits} == {(90, 30)}


def test_a_bagging_preset_bags_nothing_where_one_part_validates(dataset) -> None:
    spec = dataclasses.replace(SPEC, quality="good_quality", validation_fraction=0.2)

    arguments = validation_arguments(table_of(dataset, spec))

    assert (arguments["auto_stack"], arguments["num_bag_folds"]) == (False, 0)


def test_plans_that_leave_validation_open_leave_it_to_autogluon(dataset) -> None:
    assert validation_arguments(table_of(dataset, SPEC)) == {}


def test_folds_are_reduced_to_the_groups_there_are(dataset) -> None:
    structure = validation_arguments(table_of(dataset, BY_PATIENT))["validation_structure"]
    assert isinstance(structure, PlannedValidation)
    rows = pd.DataFrame(index=np.arange(20))

    splits, folds, repetitions = structure.custom_splits(rows, pd.Series(dtype=float), 8, 2)

    assert (len(splits), repetitions) == (folds, 1)
    assert 2 <= folds <= 5


def test_a_lost_search_by_time_goes_on_with_what_it_had_finished(
    train_model: Train, tmp_path
) -> None:
    spec = dataclasses.replace(BY_YEAR, folds=3)
    report = FailingReport(tmp_path / "stored", models=1)
    with pytest.raises(PlugPulled):
        train_model(spec, visits(), report=report)

    resumed = train_model(spec, visits(), resume=tmp_path / "stored")

    assert len(kept(resumed)) == 1


def test_autogluons_structure_names_columns_of_the_table() -> None:
    with pytest.raises(ValueError, match="requires at least one of `group_on`"):
        ValidationStructure()


def test_autogluon_learns_from_the_column_that_divides_the_rows(fit_plainly) -> None:
    predictor = fit_plainly(
        frame=visits(),
        columns=["gene1", "patient"],
        hyperparameters={"KNN": {}},
        validation_structure=ValidationStructure(group_on="patient"),
    )

    assert "patient" in predictor.features()


@pytest.mark.slow
def test_groups_stay_whole_in_bagged_and_stacked_presets(
    dataset, fits, train_model: Train
) -> None:
    spec = dataclasses.replace(BY_PATIENT, quality="good_quality", time_limit=60)

    train_model(spec, visits())

    table = table_of(dataset, spec)
    assert len(fits) > 8
    for learned, judged in fits:
        assert not values_of(table, learned) & values_of(table, judged)


@pytest.mark.slow
@pytest.mark.parametrize("quality", ["best_quality", "good_quality"])
def test_time_runs_forward_in_bagged_presets(quality, dataset, fits, train_model: Train) -> None:
    spec = dataclasses.replace(BY_YEAR, quality=quality, time_limit=60)

    train_model(spec, visits())

    table = table_of(dataset, spec)
    assert len(fits) >= 4
    for learned, judged in fits:
        assert max(values_of(table, learned)) < min(values_of(table, judged))


@pytest.mark.slow
@pytest.mark.parametrize("quality", ["best_quality", "high_quality"])
def test_one_part_validates_in_bagging_presets(quality, fits, train_model: Train) -> None:
    spec = dataclasses.replace(SPEC, quality=quality, validation_fraction=0.25, time_limit=60)

    train_model(spec, visits())

    assert {(len(learned), len(judged)) for learned, judged in fits} == {(90, 30)}
