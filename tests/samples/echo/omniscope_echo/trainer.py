"""Repeats rows: what a worker's child runs, from its inputs to the artifact."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from omniscope_echo.spec import ARTIFACT_KIND, DATASET_ROLE, MODEL_ROLE, EchoSpec
from omniscope_ml.codec import decode
from omniscope_service.jobs.report import JobPaths, Report, TrainingOutcome


def warm() -> None:
    """Import what every job needs, so that a job starts at once."""
    from omniscope_ml import packaging  # noqa: F401
    from omniscope_ml.datasets import arrow_file  # noqa: F401


def train(spec: Mapping[str, Any], paths: JobPaths, report: Report) -> TrainingOutcome:
    """Write the artifact, `manifest.json` last.

    Args:
        spec: An `EchoSpec`, encoded.
        paths: The dataset and the model to read, a folder to work in, the folder of the artifact,
            and the rows that an earlier attempt has repeated.
        report: Gets progress and a checkpoint with every row.
    """
    from omniscope_ml.packaging import ArtifactManifest, write_manifest

    request = decode(EchoSpec, spec)
    rows = list(_first_rows(paths, request.rows))
    kept = _rows_of_checkpoint(paths.resume)
    repeated = _repeat(rows, kept, request, paths.workspace / "rows.json", report)
    content = {
        "message": request.message,
        "model": {"name": request.model_name, "kind": _kind_of_model(paths)},
        "rows": repeated,
        "attempt": request.attempt,
        "rows_of_earlier_attempts": len(kept),
    }
    (paths.package / "echo.json").write_text(json.dumps(content, indent=1))
    manifest = ArtifactManifest(kind=ARTIFACT_KIND, job_id=request.job_id, attempt=request.attempt)
    write_manifest(paths.package, manifest)
    return TrainingOutcome(stopped_early=False)


def _repeat(
    rows: list[Any], kept: list[Any], request: EchoSpec, state: Path, report: Report
) -> list[Any]:
    """Repeat the rows that are not kept, each stored before the next one begins."""
    repeated = list(kept)
    for row in rows[len(kept) :]:
        time.sleep(request.seconds_per_row)
        repeated.append(row)
        done = len(repeated)
        state.write_text(json.dumps(repeated))
        report.checkpoint({state.name: state}, step=done)
        report.progress(100 * done / len(rows), f"row {done}", completed=done, total=len(rows))
    return repeated


def _first_rows(paths: JobPaths, count: int) -> Iterator[dict[str, Any]]:
    from omniscope_ml.datasets.arrow_file import open_dataset

    [given] = paths.inputs_as(DATASET_ROLE)
    table = open_dataset(given.path).head(count)
    columns = [table.column(name).to_pylist() for name in table.column_names]
    for values in zip(*columns, strict=True):
        yield dict(zip(table.column_names, values, strict=True))


def _kind_of_model(paths: JobPaths) -> str:
    [given] = paths.inputs_as(MODEL_ROLE)
    return str(json.loads((given.path / "manifest.json").read_text())["kind"])


def _rows_of_checkpoint(resume: Path | None) -> list[Any]:
    return list(json.loads((resume / "rows.json").read_text())) if resume else []
