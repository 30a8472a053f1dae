"""The results of jobs as folders: model packages, and artifacts, which are all other results.

A model package holds a model, what it was measured at, and how to load it. `manifest.json` lists
every other file with its SHA-256 and is written last: a folder without it is not a result.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omniscope_ml.codec import decode, encode
from omniscope_ml.errors import DataError
from omniscope_ml.schema import Feature
from omniscope_ml.signature import verify_signature

FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"
SIGNATURE_FILE = "manifest.sig"
PUBLIC_KEY_FILE = "registry.pub"
CODE_FOLDER = "code"
RESULTS_FILE = "results.json"
PREDICTIONS_FILE = "predictions.arrow"
PAYLOAD_FOLDER = "payload"
SELECTION_FILE = "feature_selection.npz"

# The registry adds them once the manifest is written.
_UNLISTED = frozenset({MANIFEST_FILE, SIGNATURE_FILE, PUBLIC_KEY_FILE})


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The manifest of a model package.

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
        """Read what `write_manifest` wrote.

        Raises:
            DataError: PACKAGE_CORRUPT.
        """
        try:
            values = json.loads(text)
            values.pop("files")
            return decode(cls, values)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _corrupt(f"{MANIFEST_FILE} is not a manifest: {error}") from error


@dataclass(frozen=True, kw_only=True)
class ArtifactManifest:
    """The manifest of an artifact.

    Attributes:
        kind: Kind of artifact, for example `explanation`: that of its job.
        job_id: The job that made it.
        attempt: The job's attempt.
        format_version: Version of this form.
    """

    kind: str
    job_id: str
    attempt: int
    format_version: int = FORMAT_VERSION


def write_manifest(folder: Path, manifest: Manifest | ArtifactManifest) -> None:
    """Complete a result: hash every file in the folder and write the manifest."""
    files = {path: _entry(folder / path) for path in _files_of(folder)}
    values = {**encode(manifest), "files": files}
    unfinished = folder / f"{MANIFEST_FILE}.part"
    unfinished.write_text(json.dumps(values, indent=1, ensure_ascii=False), encoding="utf-8")
    unfinished.replace(folder / MANIFEST_FILE)


def verify_package(folder: Path, public_key: bytes | None = None) -> Manifest:
    """Check every file of a package against its manifest, before anything is loaded from it.

    Args:
        folder: The package.
        public_key: The registry's, as PEM: the manifest has to bear its signature. Without one
            only damage is found, and the caller answers for where the package is from.

    Raises:
        DataError: PACKAGE_CORRUPT, naming a file that is changed, missing or not listed;
            PACKAGE_SIGNATURE_INVALID.
    """
    data = _read(folder, MANIFEST_FILE)
    if public_key is not None:
        verify_signature(data, _read(folder, SIGNATURE_FILE), public_key)
    text = data.decode("utf-8", errors="replace")
    manifest = Manifest.from_json(text)
    files = json.loads(text)["files"]
    if Path(manifest.payload).name != manifest.payload:
        raise _corrupt(f"payload {manifest.payload!r} is not a folder of the package")
    for name, entry in files.items():
        if not (folder / name).is_file() or _entry(folder / name) != entry:
            raise _corrupt(f"{name} is missing or not what the manifest lists")
    added = set(_files_of(folder)) - files.keys() - _UNLISTED
    if surprising := sorted(name for name in added if not _is_bytecode(name)):
        raise _corrupt(f"{surprising[0]} is not in the manifest")
    return manifest


def _read(folder: Path, name: str) -> bytes:
    if not (folder / name).is_file():
        raise _corrupt(f"there is no {name}")
    return (folder / name).read_bytes()


def _is_bytecode(name: str) -> bool:
    """Tell what Python adds to the folder of code when MLflow imports from it."""
    return name.startswith(f"{CODE_FOLDER}/") and "/__pycache__/" in name


def _files_of(folder: Path) -> list[str]:
    """Return files, and links to folders, which hold files that nobody would look at."""
    found = (p for p in folder.rglob("*") if p.is_file() or p.is_symlink())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _entry(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"sha256": digest, "size_bytes": path.stat().st_size}


def _corrupt(what: str) -> DataError:
    return DataError(f"the model package is damaged: {what}", reason="PACKAGE_CORRUPT")
