"""Turns a finished search into a model package."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omniscope_automl.engine.payload import keep_chosen_model, kept_families, move_payload
from omniscope_automl.engine_versions import engine_versions
from omniscope_automl.presets import FAMILY_REQUIREMENTS
from omniscope_automl.spec import TrainSpec
from omniscope_ml.mlmodel import write_mlmodel
from omniscope_ml.model_card import write_model_card
from omniscope_ml.packaging import PAYLOAD_FOLDER, Manifest, write_manifest
from omniscope_ml.training.held_out_rows import positive_class
from omniscope_ml.training.stored_choices import store_selection, stored_split
from omniscope_ml.training.training_table import TrainingTable

if TYPE_CHECKING:
    from omniscope_automl.engine.search import Search

KIND = "automl.tabular"


def write_package(
    folder: Path, spec: TrainSpec, table: TrainingTable, search: "Search", results: dict[str, Any]
) -> None:
    """Complete a package that holds results and predictions already; `manifest.json` comes last.

    Only the chosen model and what it is made of are kept, without any training data.
    """
    keep_chosen_model(search.engine)
    manifest = _manifest(spec, table, search, store_selection(folder, spec, table))
    move_payload(search.engine, folder / PAYLOAD_FOLDER)
    write_mlmodel(folder, manifest)
    write_model_card(folder, manifest, results)
    write_manifest(folder, manifest)


def _manifest(
    spec: TrainSpec, table: TrainingTable, search: "Search", chosen: dict[str, Any]
) -> Manifest:
    labels = table.labels
    return Manifest(
        kind=KIND,
        architecture=search.engine.model_best,
        problem_type=spec.problem_type,
        target_column=spec.target_column,
        label_type="float64" if labels is None else labels.label_type,
        classes=() if labels is None else labels.texts,
        positive_class=positive_class(labels, spec),
        features=table.features,
        key_column=spec.key_column or "",
        engines=_engines(kept_families(search.engine)),
        python=platform.python_version(),
        dataset={"dataset_id": spec.dataset_id, "digest": spec.dataset_digest},
        split=stored_split(spec, table),
        preprocessing=chosen,
        job_id=spec.job_id,
        attempt=spec.attempt,
        seed=spec.seed,
        stopped_early=search.stopped_early,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _engines(families: set[str]) -> dict[str, str]:
    """Return the versions of what loading and asking the kept models takes."""
    modules = {module for family in families for module in FAMILY_REQUIREMENTS.get(family, ())}
    # mlflow-skinny is what is installed here; the full package serves.
    return engine_versions(modules) | {"mlflow": version("mlflow-skinny")}
