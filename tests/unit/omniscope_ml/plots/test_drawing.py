"""Every plot of real results of every kind, as files."""

import io
import json
import re
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest

from omniscope_ml.evaluation import evaluate_classes, evaluate_numbers
from omniscope_ml.plots.confusion_matrix import confusion_matrix_plot
from omniscope_ml.plots.drawing import write_plots
from omniscope_ml.plots.files import PlotFile

CLASS_PLOTS = ["confusion_matrix", "roc", "precision_recall", "calibration", "leaderboard"]
NUMBER_PLOTS = ["predicted_against_true", "residuals", "leaderboard"]
AWKWARD = ["_hidden", "a$b$", r"\frac{$}", "two\nlines", "<b>&\"'", "ä" * 200, "", " "]


def leaderboard(candidates: int, metric: str) -> list[dict[str, Any]]:
    sign = -1 if metric.endswith("error") else 1
    return [
        {
            "model": f"Candidate_{rank}",
            "metric": metric,
            "score_validation": sign * (0.9 - 0.01 * rank),
            **({"score_test": sign * (0.88 - 0.01 * rank)} if rank % 3 else {}),
            "fit_seconds": 1.5 * rank,
            "prediction_seconds": 0.1,
            "stack_level": 1,
            "rank": rank,
        }
        for rank in range(1, candidates + 1)
    ]


def class_results(names: list[str], rows: int = 0, candidates: int = 4) -> dict[str, Any]:
    rng = np.random.default_rng(len(names))
    truth = np.arange(rows or 6 * len(names)) % len(names)
    probabilities = rng.dirichlet(np.ones(len(names)), len(truth))
    probabilities = (probabilities + 0.5 * np.eye(len(names))[truth]) / 1.5
    positive = 1 if len(names) == 2 else None
    measured = evaluate_classes(truth, probabilities.argmax(1), probabilities, names, positive)
    return {
        **measured,
        "target_column": "tissue",
        "best_model": "Candidate_1",
        "leaderboard": leaderboard(candidates, "accuracy"),
    }


def number_results(rows: int = 200, target: str = "strength") -> dict[str, Any]:
    rng = np.random.default_rng(0)
    truth = rng.normal(30, 10, rows)
    return {
        **evaluate_numbers(truth, truth + rng.normal(size=rows)),
        "target_column": target,
        "best_model": "Candidate_1",
        "leaderboard": leaderboard(30, "root_mean_squared_error"),
    }


def names(classes: int) -> list[str]:
    return [f"organ {code}" for code in range(classes)]


CASES: dict[str, tuple[Callable[[], dict[str, Any]], list[str]]] = {
    "binary": (lambda: class_results(names(2)), CLASS_PLOTS),
    "multiclass": (lambda: class_results(names(3)), CLASS_PLOTS),
    "many classes": (lambda: class_results(names(40)), CLASS_PLOTS),
    "awkward names": (lambda: class_results(AWKWARD), CLASS_PLOTS),
    "regression": (number_results, NUMBER_PLOTS),
    "awkward target": (lambda: number_results(2, target="_$x$\n"), NUMBER_PLOTS),
    "one candidate": (
        lambda: {"best_model": "Candidate_1", "leaderboard": leaderboard(1, "f1")},
        ["leaderboard"],
    ),
}
# One of classes and one of numbers; drawing takes seconds.
_QUICK = {"binary", "regression", "one candidate"}


def check_png(data: bytes) -> None:
    width, height = struct.unpack(">II", data[16:24])
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert data.endswith(b"IEND\xaeB`\x82")
    assert 400 < width < 2000
    assert 250 < height < 2000


def check_svg(data: bytes) -> None:
    text = data.decode()
    root = ElementTree.fromstring(text)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    links = {
        value
        for element in root.iter()
        for name, value in element.attrib.items()
        if name.rpartition("}")[2] == "href"
    }
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not tags & {"script", "image", "foreignObject", "metadata"}
    assert all(link.startswith("#") for link in links)
    assert not re.search(r"url\((?!#)", text)
    assert "<!DOCTYPE" not in text
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links} | set(re.findall(r"url\(#([^)]+)\)", text)) <= set(ids)


CHECKS = {"image/png": check_png, "image/svg+xml": check_svg}


def contents(package: Path, files: list[PlotFile]) -> dict[str, bytes]:
    return {file["path"]: (package / file["path"]).read_bytes() for file in files}


@pytest.mark.parametrize(
    ("results", "wanted"),
    [
        pytest.param(*case, id=name, marks=() if name in _QUICK else pytest.mark.slow)
        for name, case in CASES.items()
    ],
)
def test_each_plot_is_a_sound_png_and_a_sound_svg(
    results: Callable[[], dict[str, Any]], wanted: list[str], tmp_path: Path
) -> None:
    files = write_plots(tmp_path, results())

    assert [file["name"] for file in files[::2]] == wanted
    assert [file["name"] for file in files[1::2]] == wanted
    for file in files:
        data = (tmp_path / file["path"]).read_bytes()
        assert file["size_bytes"] == len(data)
        CHECKS[file["media_type"]](data)
    assert len(list((tmp_path / "plots").iterdir())) == len(files)


@pytest.mark.slow
def test_stored_results_give_the_same_bytes_again_also_in_threads(tmp_path: Path) -> None:
    results = class_results(names(2))
    stored = json.loads(json.dumps(results))
    folders = [tmp_path / str(number) for number in range(3)]
    for folder in folders:
        folder.mkdir()

    with ThreadPoolExecutor(3) as threads:
        written = list(threads.map(write_plots, folders, [results, stored, stored]))

    first, *others = map(contents, folders, written)
    assert others == [first, first]


def test_drawing_leaves_the_settings_of_the_process_as_they_are(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)

    write_plots(tmp_path, number_results(20))

    assert dict(mpl.rcParams) == before


def test_what_is_undefined_has_no_plot(tmp_path: Path) -> None:
    truth = np.zeros(4, dtype=np.int64)
    measured = evaluate_classes(truth, truth, np.tile([0.9, 0.1], (4, 1)), ["a", "b"], 1)

    files = write_plots(tmp_path, {**measured, "leaderboard": [], "best_model": ""})

    assert [file["name"] for file in files[::2]] == ["confusion_matrix", "calibration"]


def test_predictions_that_are_no_numbers_have_no_plot(tmp_path: Path) -> None:
    results = number_results() | evaluate_numbers(np.ones(2), np.full(2, np.nan))

    assert {file["name"] for file in write_plots(tmp_path, results)} == {"leaderboard"}


def test_more_classes_than_curves_still_have_their_plots(tmp_path: Path) -> None:
    results = class_results(names(41))
    del results["confusion_matrix"], results["leaderboard"]

    files = write_plots(tmp_path, results)

    assert [file["name"] for file in files[::2]] == ["roc", "precision_recall"]


def test_a_confusion_matrix_of_a_hundred_classes_names_every_third(tmp_path: Path) -> None:
    classes = names(100)
    matrix = {"classes": classes, "counts": np.eye(100, dtype=int).reshape(-1).tolist()}

    figure = confusion_matrix_plot(matrix)

    ticks = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert ticks == classes[::3]


def test_a_picture_has_no_transparent_ground(tmp_path: Path) -> None:
    write_plots(tmp_path, number_results(20))

    picture = mpl.image.imread(io.BytesIO((tmp_path / "plots" / "residuals.png").read_bytes()))

    assert picture[0, 0].tolist() == [1.0, 1.0, 1.0, 1.0]
