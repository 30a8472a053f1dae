"""Whatever a table holds and a request asks for: a model, or an error that says why not."""

import numpy as np
import pandas as pd
import pytest

from omniscope_ml.errors import DataError
from omniscope_ml.networks.architectures import ARCHITECTURES
from tests.unit.omniscope_deeplearning.conftest import quick

TARGETS = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c", "d")}
SPLITS = {"random": None, "stratified": None, "group": "group", "time": "time"}
KINDS = (
    *3 * ("number",),
    *("whole", "truth", "text", "time", "constant", "gaps", "empty", "extreme"),
)
EXPONENTS = (-300, -40, 20, 37, 39, 100, 160, 300)


def column(kind, rows, draw):
    values = draw.normal(size=rows)
    match kind:
        case "whole":
            return draw.integers(0, 4, rows)
        case "truth":
            return values > 0
        case "text":
            return draw.choice(["a", "b", "ü😀", ""], rows)
        case "time":
            return pd.to_datetime(draw.integers(0, 10**9, rows), unit="s")
        case "constant":
            return np.full(rows, 3.0)
        case "gaps":
            return np.where(values > 0, values, np.nan)
        case "empty":
            return np.full(rows, np.nan)
        case "extreme":
            return values * 10.0 ** draw.choice(EXPONENTS)
    return values


def table(problem, draw):
    rows, columns = draw.choice([12, 13, 17, 30, 60, 200]), draw.choice([1, 2, 3, 5, 20, 300])
    values = {f"x{i}": column(draw.choice(KINDS), rows, draw) for i in range(columns)}
    known = TARGETS.get(problem)
    exponent = draw.choice([0, 0, 5, -5, 30, -30, 160])
    target = draw.choice(known, rows) if known else draw.normal(size=rows) * 10.0**exponent
    return pd.DataFrame(values), {
        "y": target,
        "weight": draw.random(rows) * (draw.random(rows) > 0.2),
        "time": np.arange(rows),
        "group": draw.choice(list("abcdefg"), rows),
    }


def request(problem, draw):
    options = {
        "batch_size": (None, 1, 3, 7),
        "optimizer": (None, "adamw", "adam", "sgd"),
        "schedule": ("cosine", "one_cycle", "plateau", "none"),
        "accumulation": (1, 1, 3),
        "dropout": (None, 0.0, 0.5),
        "patience": (None, 1),
        "gradient_clip": (None, 1.0),
    }
    if problem != "regression":
        options |= {"label_smoothing": (0.0, 0.1), "class_weights": ("none", "balanced")}
    splits = [name for name in SPLITS if problem != "regression" or name != "stratified"]
    strategy = one_of(splits, draw)
    return {
        "architecture": one_of(list(ARCHITECTURES), draw),
        "options": {name: one_of(values, draw) for name, values in options.items()},
        "split_strategy": strategy,
        "split_column": SPLITS[strategy],
        "weight_column": one_of((None, None, "weight"), draw),
        "scaling": one_of(("standard", "robust", "none"), draw),
        "imputation": one_of(("mean", "median", "most_frequent"), draw),
        "log1p": one_of((False, False, True), draw),
        "indicators": one_of((False, True), draw),
    }


def one_of(values, draw):
    return values[draw.integers(len(values))]


@pytest.mark.parametrize("seed", quick(range(60), 0, 1))
def test_a_training_gives_a_model_or_says_why_not(seed, train_network, make_spec, stored_table):
    draw = np.random.default_rng(seed)
    problem = one_of(["binary", "multiclass", "regression"], draw)
    features, others = table(problem, draw)
    stored_table(**features, **others)
    spec = make_spec(
        target_column="y",
        feature_columns=tuple(features),
        problem_type=problem,
        **request(problem, draw),
    )

    came = outcome(train_network, spec)

    if isinstance(came, DataError):
        assert came.field
    else:
        assert came.held_out
        assert len(came.predictions) == came.results["test_rows"]


def outcome(train_network, spec):
    try:
        return train_network(spec, "table")
    except DataError as error:
        return error
