"""Curves and plots of a real evaluation, from the package to GetModelResults and DownloadModel."""

import io
import json
import tarfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf.json_format import MessageToDict

from omniscope.registry.v1 import model_service_pb2 as messages
from omniscope_ml.evaluation import evaluate_classes, evaluate_numbers
from omniscope_ml.plots.drawing import write_plots
from omniscope_service.errors import DataLoss, NotFound

CLASSES = ["Adelie", "Chinstrap", "Gentoo"]


@pytest.fixture
def database_url(tmp_path):
    """One kind of database is enough: this is about what packages hold."""
    return f"sqlite+aiosqlite:///{tmp_path / 'registry.db'}"


@pytest.fixture
def register_results(
    registrar: Any, insert_job: Any, put_package: Any, database: Any
) -> Callable[..., Awaitable[str]]:
    """Registers a model with these results, and further files; returns its id."""

    async def make(results: dict[str, Any], files: dict[str, bytes] | None = None) -> str:
        job = await insert_job()
        contents = {"results.json": json.dumps(results).encode(), **(files or {})}
        key, digest = await put_package(job, files=contents)
        package = await registrar.verify(key, digest)
        async with database.write() as conn:
            return str((await registrar.register(conn, package, job)).model_id)

    return make


def classified() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    truth = np.arange(600) % 3
    probabilities = rng.dirichlet(np.ones(3), 600) + 0.3 * np.eye(3)[truth]
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return evaluate_classes(truth, probabilities.argmax(axis=1), probabilities, CLASSES, None)


async def results_of(stub: Any, model_id: str) -> dict[str, Any]:
    results = await stub.GetModelResults(messages.GetModelResultsRequest(model_id=model_id))
    return MessageToDict(results, preserving_proto_field_name=True)


def named(curve: dict[str, Any]) -> dict[str, Any]:
    """Leave out what JSON of the protocol leaves out."""
    return {name: value for name, value in curve.items() if value not in ("", [])}


async def test_curves_arrive_as_they_were_measured(stub, register_results):
    measured = classified()

    answer = await results_of(stub, await register_results(measured))

    for kind in ("roc_curves", "precision_recall_curves", "calibration_curves"):
        assert answer[kind] == [named(curve) for curve in measured[kind]]
    assert answer["metrics"] == measured["metrics"]
    assert answer["confusion_matrix"] == measured["confusion_matrix"]
    assert "residuals" not in answer


async def test_residuals_arrive_as_they_were_measured(stub, register_results):
    rng = np.random.default_rng(0)
    truth = rng.normal(size=2000)
    measured = evaluate_numbers(truth, truth + rng.normal(size=2000))

    answer = await results_of(stub, await register_results(measured))

    assert answer["residuals"] == measured["residuals"]
    assert answer["metrics"] == measured["metrics"]
    assert "roc_curves" not in answer


async def test_plots_are_listed_and_can_be_downloaded_alone(stub, register_results, tmp_path):
    files, plots = drawn(tmp_path)
    model_id = await register_results({**classified(), "plots": plots}, files)

    answer = await results_of(stub, model_id)
    request = messages.DownloadModelRequest(model_id=model_id, folder="plots")
    data = b"".join([message.data async for message in stub.DownloadModel(request)])

    assert answer["plots"] == plots
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    found = {
        path.relative_to(tmp_path / "unpacked").as_posix(): path.read_bytes()
        for path in (tmp_path / "unpacked").rglob("*")
        if path.is_file()
    }
    assert found.keys() - files.keys() == {"manifest.json", "manifest.sig", "registry.pub"}
    assert found.items() >= files.items()


@pytest.mark.parametrize("folder", ["pictures", "play", "payload/deep/weights.bin", "../payload"])
async def test_a_folder_that_the_package_does_not_have_is_not_found(
    stub, register, refused, folder
):
    request = messages.DownloadModelRequest(model_id=await register(), folder=folder)

    error = await refused(_drain(stub.DownloadModel(request)))

    assert isinstance(error, NotFound)
    assert (error.reason, error.field) == ("FOLDER_NOT_FOUND", "folder")
    assert "it has payload" in error.message


async def test_a_plot_that_is_no_file_of_the_package_is_refused(register_results):
    plot = {"name": "roc", "media_type": "image/png", "path": "plots/roc.png", "size_bytes": 1}

    with pytest.raises(DataLoss, match=r"plots/roc\.png"):
        await register_results({**classified(), "plots": [plot]})


def drawn(folder: Path) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """Return the files of real plots by their paths, and how results list them."""
    (folder / "package").mkdir()
    measured = classified()
    shown = {"confusion_matrix": measured["confusion_matrix"]}
    plots = [dict(plot) for plot in write_plots(folder / "package", shown)]
    paths = [str(plot["path"]) for plot in plots]
    return {path: (folder / "package" / path).read_bytes() for path in paths}, plots


async def _drain(call: Any) -> list[Any]:
    return [message async for message in call]
