"""Writes what plain MLflow needs beside a model: MLmodel, requirements and code that loads it."""

import json
import shutil
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, version
from pathlib import Path

import omniscope_ml
from omniscope_ml.kinds import KINDS_GROUP, kind_entry_point
from omniscope_ml.packaging import CODE_FOLDER, Manifest
from omniscope_ml.pyfunc import probability_column

_INPUT_TYPES = {
    "float32": "double",
    "float64": "double",
    "string": "string",
    "timestamp": "datetime",
}
_LABEL_TYPES = {"string": "string", "int64": "long", "float64": "double", "bool": "boolean"}


def write_mlmodel(folder: Path, manifest: Manifest) -> None:
    """Add MLmodel, requirements.txt, python_env.yaml and the code that opens the model.

    With them `mlflow.pyfunc.load_model` and `mlflow models serve` work where the suite is not
    installed. The code is a copy of this package, of the package that has the model's kind where
    that is another one, and the entry point of that kind.

    Raises:
        DataError: MODEL_KIND_UNKNOWN.
    """
    _write(folder / "MLmodel", _mlmodel(manifest))
    _write(folder / "requirements.txt", _requirements(manifest.engines))
    _write(
        folder / "python_env.yaml",
        f"python: {manifest.python}\nbuild_dependencies:\n- pip\ndependencies:\n"
        "- -r requirements.txt\n",
    )
    kind = kind_entry_point(manifest.kind)
    for package in {omniscope_ml.__name__, kind.module.partition(".")[0]}:
        _copy_package(package, folder / CODE_FOLDER)
    _write_entry_point(folder / CODE_FOLDER / "omniscope_model-1.dist-info", kind)


def _mlmodel(manifest: Manifest) -> str:
    """Return MLflow's description; scalars as JSON, which is YAML whatever the names hold."""
    lines = [
        "flavors:",
        "  python_function:",
        f"    code: {CODE_FOLDER}",
        "    env:",
        "      virtualenv: python_env.yaml",
        "    loader_module: omniscope_ml.pyfunc",
        f"    python_version: {_scalar(manifest.python)}",
        f"mlflow_version: {_scalar(version('mlflow-skinny'))}",
        "signature:",
        f"  inputs: {_scalar(json.dumps(_inputs(manifest), ensure_ascii=False))}",
        f"  outputs: {_scalar(json.dumps(_outputs(manifest), ensure_ascii=False))}",
        "  params: null",
        f"utc_time_created: {_scalar(manifest.created_at)}",
    ]
    return "\n".join(lines) + "\n"


def _inputs(manifest: Manifest) -> list[dict[str, object]]:
    # MLflow takes no missing value in a column of whole numbers or booleans and no whole number in
    # one of doubles, so the former are left to the model, which converts and names what is wrong.
    return [
        {"name": f.name, "type": _input_type(f.type), "required": True} for f in manifest.features
    ]


def _input_type(kind: str) -> str:
    return _INPUT_TYPES.get(kind, "any")


def _outputs(manifest: Manifest) -> list[dict[str, object]]:
    prediction = {"name": "prediction", "type": _LABEL_TYPES[manifest.label_type]}
    names = (probability_column(name) for name in manifest.classes)
    outputs = [prediction, *({"name": name, "type": "double"} for name in names)]
    return [{**output, "required": True} for output in outputs]


def _requirements(engines: Mapping[str, str]) -> str:
    return "".join(f"{name}=={number}\n" for name, number in sorted(engines.items()))


def _copy_package(name: str, target: Path) -> None:
    source = Path(import_module(name).__path__[0])
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(source, target / source.name, ignore=ignore)


def _write_entry_point(folder: Path, kind: EntryPoint) -> None:
    """Write what makes Python find the entry point once the folder above is on its path."""
    folder.mkdir()
    _write(folder / "METADATA", "Metadata-Version: 2.1\nName: omniscope-model\nVersion: 1\n")
    _write(folder / "entry_points.txt", f"[{KINDS_GROUP}]\n{kind.name} = {kind.value}\n")


def _scalar(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
