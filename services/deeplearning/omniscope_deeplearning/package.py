"""Turns a trained network into a model package."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from omniscope_deeplearning.checkpoints import save_weights
from omniscope_deeplearning.fit import Fit
from omniscope_deeplearning.prepared import PreparedTable
from omniscope_deeplearning.spec import TrainSpec
from omniscope_ml.mlmodel import write_mlmodel
from omniscope_ml.model_card import write_model_card
from omniscope_ml.network_model import NETWORK_FILE, PREPROCESSING_FILE, WEIGHTS_FILE
from omniscope_ml.packaging import PAYLOAD_FOLDER, Manifest, write_manifest
from omniscope_ml.preprocessing.archive import write_arrays
from omniscope_ml.training.held_out_rows import positive_class
from omniscope_ml.training.stored_choices import store_selection, stored_split

KIND = "deeplearning.network"

_LIBRARIES = ("numpy", "pandas", "safetensors")


def write_package(
    folder: Path, spec: TrainSpec, prepared: PreparedTable, fit: Fit, results: dict[str, Any]
) -> None:
    """Complete a package that holds results and predictions; `manifest.json` comes last."""
    payload = folder / PAYLOAD_FOLDER
    payload.mkdir()
    save_weights(payload / WEIGHTS_FILE, fit.weights)
    (payload / NETWORK_FILE).write_text(fit.description.to_json(), encoding="utf-8")
    write_arrays(payload / PREPROCESSING_FILE, prepared.preprocessor.to_arrays())
    manifest = _manifest(spec, prepared, fit, _preprocessing(folder, spec, prepared))
    write_mlmodel(folder, manifest)
    write_model_card(folder, manifest, results)
    write_manifest(folder, manifest)


def _manifest(
    spec: TrainSpec, prepared: PreparedTable, fit: Fit, preprocessing: dict[str, Any]
) -> Manifest:
    table, labels = prepared.table, prepared.table.labels
    return Manifest(
        kind=KIND,
        architecture=spec.architecture,
        problem_type=spec.problem_type,
        target_column=spec.target_column,
        label_type="float64" if labels is None else labels.label_type,
        classes=() if labels is None else labels.texts,
        positive_class=positive_class(labels, spec),
        features=table.features,
        key_column=spec.key_column or "",
        engines=_engines(),
        python=platform.python_version(),
        dataset={"dataset_id": spec.dataset_id, "digest": spec.dataset_digest},
        split=stored_split(spec, table),
        preprocessing=preprocessing,
        job_id=spec.job_id,
        attempt=spec.attempt,
        seed=spec.seed,
        stopped_early=fit.state.stopped_early,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _preprocessing(folder: Path, spec: TrainSpec, prepared: PreparedTable) -> dict[str, Any]:
    """Write the chosen columns; return what the manifest says about preprocessing."""
    numbers = {
        "imputation": spec.imputation,
        "scaling": spec.scaling,
        "log1p": spec.log1p,
        "indicators": spec.indicators,
        "file": f"{PAYLOAD_FOLDER}/{PREPROCESSING_FILE}",
    }
    return {"numbers": numbers, **store_selection(folder, spec, prepared.table)}


def _engines() -> dict[str, str]:
    """Return the versions of what loading and asking the network takes."""
    engines = {name: version(name) for name in _LIBRARIES}
    # A build of torch for one kind of device has that in its version; any build serves.
    engines["torch"] = version("torch").split("+")[0]
    return engines | {"mlflow": version("mlflow-skinny")}
