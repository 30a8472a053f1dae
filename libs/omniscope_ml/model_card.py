"""Writes a package's README: what the model is, what it was measured at, where it ends."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from omniscope_ml.kinds import model_kind
from omniscope_ml.packaging import Manifest

_FEATURES_SHOWN = 20


def write_model_card(folder: Path, manifest: Manifest, results: Mapping[str, Any]) -> None:
    """Write README.md from the manifest and the results, both as stored."""
    sections = [
        f"# {manifest.architecture} for `{manifest.target_column}`",
        _task(manifest),
        "## Data\n\n" + _data(manifest),
        *_training(results),
        "## Held-out metrics\n\n" + _metrics(results) + _pictures(results),
        "## Use\n\n" + _USE + model_kind(manifest.kind).payload_note,
        "## Limits\n\n" + _limits(manifest),
    ]
    (folder / "README.md").write_text("\n\n".join(sections) + "\n", encoding="utf-8")


_USE = """```python
import mlflow

model = mlflow.pyfunc.load_model("<this folder>")
model.predict(frame)  # columns in any order, further columns are ignored
```

`requirements.txt` lists the exact versions that it needs. """


def _task(manifest: Manifest) -> str:
    if not manifest.classes:
        return "Predicts a number (regression)."
    classes = ", ".join(f"`{name}`" for name in manifest.classes)
    positive = f" Positive class: `{manifest.positive_class}`." if manifest.positive_class else ""
    return f"Predicts one of {len(manifest.classes)} classes: {classes}.{positive}"


def _data(manifest: Manifest) -> str:
    split = manifest.split
    shown = ", ".join(f"`{feature.name}`" for feature in manifest.features[:_FEATURES_SHOWN])
    hidden = len(manifest.features) - _FEATURES_SHOWN
    return (
        f"Dataset `{manifest.dataset['dataset_id']}`, SHA-256 `{manifest.dataset['digest']}`. "
        f"{split['train_rows']} rows trained it, {split['test_rows']} were held out "
        f"({_division(split)}).{_selection(manifest)}\n\n"
        f"Features ({len(manifest.features)}): {shown}"
        + (f" and {hidden} more." if hidden > 0 else ".")
    )


def _training(results: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a network learned with and how that ended; nothing for other models."""
    if settings := results.get("settings"):
        rows = "\n".join(f"| {name} | {value} |" for name, value in settings.items())
        yield f"## Training\n\n{results['ending']}\n\n| setting | value |\n|---|---|\n{rows}"


def _division(split: Mapping[str, Any]) -> str:
    column = f" by column `{split['column']}`" if split.get("column") else ""
    folds = f", {split['folds']} folds of the others validate" if split.get("folds") else ""
    return f"{split['strategy']}{column}, seed {split['seed']}{folds}"


def _selection(manifest: Manifest) -> str:
    chosen = manifest.preprocessing.get("feature_selection")
    if not chosen:
        return ""
    return (
        f" The features were chosen from {chosen['columns']} columns by {chosen['method']}, on "
        "training rows only."
    )


def _metrics(results: Mapping[str, Any]) -> str:
    lines = ["| metric | value | rows |", "|---|---|---|"]
    for measured in results["metrics"]:
        for name, value in sorted(measured["values"].items()):
            lines.append(f"| {measured['split']} {name} | {value:.4f} | {measured['rows']} |")
    return "\n".join(lines)


def _pictures(results: Mapping[str, Any]) -> str:
    shown = (plot for plot in results.get("plots", ()) if plot["media_type"] == "image/png")
    return "".join(f"\n\n![{plot['name'].replace('_', ' ')}]({plot['path']})" for plot in shown)


def _limits(manifest: Manifest) -> str:
    early = (
        "A limit of time or memory cut the search short: the same request may give another model."
        if manifest.stopped_early
        else "No limit was hit: the same request with the same seed gives the same model."
    )
    return (
        "The metrics hold for rows drawn like the held-out ones; another laboratory, instrument "
        f"or population may differ. {early}"
    )
