"""The model package: a folder that holds a model, what it was measured at, and how to load it.

`manifest.json` lists every other file with its SHA-256 and is written last: a folder without it is
not a package.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omniscope_ml.errors import DataError
from omniscope_ml.schema import Feature

FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"
RESULTS_FILE = "results.json"
PREDICTIONS_FILE = "predictions.arrow"
PAYLOAD_FOLDER = "payload"
SELECTION_FILE = "feature_selection.npz"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a package says about itself.

    Attributes:
        kind: What loads it, for example `automl.tabular`.
        architecture: What was chosen within the kind, for example `WeightedEnsemble_L2`.
        problem_type: `binary`, `multiclass` or `regression`.
        target_column: Column that it predicts.
        label_type: Native type of the classes: `string`, `int64`, `float64` or `bool`; `float64`
            for regression.
        classes: In the order of every probability vector, as texts; empty for regression.
        positive_class: Class that binary metrics call positive; empty otherwise.
        features: The columns that it reads.
        key_column: Column that names rows; empty when there is none.
        engines: Version of every library that loading it needs, by distribution name.
        python: Version of Python that wrote it.
        dataset: dataset_id and digest of what it was trained on.
        split: strategy, column, test_fraction, validation_fraction, folds, seed, train_rows and
            test_rows.
        job_id: The job that made it.
        attempt: The job's attempt.
        seed: Seed of everything random but the split.
        stopped_early: True when a limit cut the work short: the same request may then give another
            model.
        created_at: When, in UTC, ISO 8601.
        format_version: Version of this form.
        payload: Folder of the engine's own files.
        preprocessing: What was fitted on the training rows, with the file that holds its arrays;
            `feature_selection`: method, top_k, columns (how many there were) and file.
    """

    kind: str
    architecture: str
    problem_type: str
    target_column: str
    label_type: str
    classes: tuple[str, ...]
    positive_class: str
    features: tuple[Feature, ...]
    key_column: str
    engines: Mapping[str, str]
    python: str
    dataset: Mapping[str, str]
    split: Mapping[str, Any]
    job_id: str
    attempt: int
    seed: int
    stopped_early: bool
    created_at: str
    format_version: int = FORMAT_VERSION
    payload: str = PAYLOAD_FOLDER
    preprocessing: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Read what `seal` wrote.

        Raises:
            DataError: PACKAGE_CORRUPT.
        """
        try:
            values = json.loads(text)
            values.pop("files")
            values["features"] = tuple(Feature(**feature) for feature in values["features"])
            values["classes"] = tuple(values["classes"])
            return cls(**values)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _corrupt(f"{MANIFEST_FILE} is not a manifest: {error}") from error


def seal(folder: Path, manifest: Manifest) -> None:
    """Complete a package: hash every file in the folder and write the manifest."""
    files = {path: _entry(folder / path) for path in _files_of(folder)}
    values = {**dataclasses.asdict(manifest), "files": files}
    unfinished = folder / f"{MANIFEST_FILE}.part"
    unfinished.write_text(json.dumps(values, indent=1, ensure_ascii=False), encoding="utf-8")
    unfinished.replace(folder / MANIFEST_FILE)


def verify_package(folder: Path) -> Manifest:
    """Check every file of a package against its manifest, before anything is loaded from it.

    This finds damage. Whether the manifest itself is genuine is for the one who fetched the
    package to check, by the registry's signature over it.

    Raises:
        DataError: PACKAGE_CORRUPT, naming the file.
    """
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise _corrupt(f"there is no {MANIFEST_FILE}")
    text = path.read_text(encoding="utf-8")
    manifest = Manifest.from_json(text)
    files = json.loads(text)["files"]
    if Path(manifest.payload).name != manifest.payload:
        raise _corrupt(f"payload {manifest.payload!r} is not a folder of the package")
    for name, entry in files.items():
        if not (folder / name).is_file() or _entry(folder / name) != entry:
            raise _corrupt(f"{name} is missing or not what the manifest lists")
    added = set(_files_of(folder / manifest.payload, relative_to=folder)) - files.keys()
    if added:
        raise _corrupt(f"{min(added)} is not in the manifest")
    return manifest


def _files_of(folder: Path, relative_to: Path | None = None) -> list[str]:
    origin = relative_to or folder
    return sorted(p.relative_to(origin).as_posix() for p in folder.rglob("*") if p.is_file())


def _entry(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"sha256": digest, "size_bytes": path.stat().st_size}


def _corrupt(what: str) -> DataError:
    return DataError(f"the model package is damaged: {what}", reason="PACKAGE_CORRUPT")
