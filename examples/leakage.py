"""Why columns are chosen inside the folds: how well nonsense is predicted when they are not.

Run it in the project's environment: `python examples/leakage.py`. It takes a minute. With a path
it reads another Parquet file of the same form.

79 leukaemias, 3,000 probes, two kinds. Labels that are shuffled can be told from nothing, so an
honest accuracy is that of always saying the larger kind, 0.53. Choosing probes by all rows before
the cross-validation reports far more than that.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from omniscope_ml.labels import ClassLabels
from omniscope_ml.preprocessing.options import SelectionOptions
from omniscope_ml.preprocessing.preprocessor import Preprocessor
from omniscope_ml.preprocessing.selection import FeatureSelector
from omniscope_ml.schema import Feature
from omniscope_ml.splits.divide import validation_folds
from omniscope_ml.splits.parts import Rows
from omniscope_ml.splits.plan import SplitPlan
from omniscope_ml.splits.table import SplitTable

DATA = Path(__file__).parent / "data" / "all_bcrabl.parquet"
SELECTOR = FeatureSelector(SelectionOptions(method="f_test", top_k=50))
FOLDS = 5


def read(path: Path) -> tuple[pd.DataFrame, Rows]:
    """Return the probes and the class of each row."""
    table = pd.read_parquet(path)
    labels = table["mol_biol"].tolist()
    return table.drop(columns=["sample_id", "mol_biol"]), ClassLabels.of(labels).codes(labels)


def accuracy(probes: pd.DataFrame, codes: Rows, *, leaky: bool, seed: int) -> float:
    """Return the cross-validated accuracy of a linear model on the 50 probes that say most.

    Args:
        probes: Shape (rows, probes).
        codes: Class of each row.
        leaky: Choose the probes once by all rows, instead of by the training rows of each fold.
        seed: Seed of the folds.
    """
    features = [Feature(str(name), "float32") for name in probes]
    plan = SplitPlan(strategy="stratified", test_fraction=0.2, seed=seed)
    right = 0
    for fold in validation_folds(plan, SplitTable(rows=len(codes), codes=codes), FOLDS):
        seen = np.arange(len(codes)) if leaky else fold.train
        chosen = SELECTOR.fit(probes, features, seen, codes=codes).of(features)
        matrix = Preprocessor().fit(probes, chosen, fold.train).transform(probes)
        model = LogisticRegression(C=0.01).fit(matrix[fold.train], codes[fold.train])
        right += int(np.sum(model.predict(matrix[fold.validation]) == codes[fold.validation]))
    return right / len(codes)


def shuffled(codes: Rows, seed: int) -> Rows:
    """Return the classes in another order, so that they say nothing about the rows."""
    return np.random.default_rng(seed).permutation(codes)


def main(path: Path, repetitions: int = 5) -> None:
    """Print accuracies of both ways for real and for shuffled labels."""
    probes, codes = read(path)
    print(f"{len(codes)} rows, {probes.shape[1]} probes, {FOLDS} folds, {repetitions} repetitions")
    print(f"always the larger class: {np.bincount(codes).max() / len(codes):.2f}\n")
    print("probes chosen          real labels  shuffled labels")
    for name, leaky in (("by all rows (wrong)", True), ("inside the folds", False)):
        seeds = range(repetitions)
        real = [accuracy(probes, codes, leaky=leaky, seed=s) for s in seeds]
        nonsense = [accuracy(probes, shuffled(codes, s), leaky=leaky, seed=s) for s in seeds]
        print(f"{name:21}  {np.mean(real):11.2f}  {np.mean(nonsense):15.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA)
