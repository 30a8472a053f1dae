"""One way to load any trained model and to ask it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from omniscope_ml.errors import DataError
from omniscope_ml.packaging import Manifest, verify_package

if TYPE_CHECKING:
    import pandas as pd


class Predictor(Protocol):
    """A trained model, ready to answer.

    Frames hold at least the model's features, in any order; further columns are ignored. Missing
    ones raise DataError, reason FEATURES_MISSING, naming them.
    """

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns that it reads."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Its classes in the order of every probability vector; empty for regression."""
        ...

    def predict(self, frame: "pd.DataFrame") -> npt.NDArray[Any]:
        """Return native labels or numbers, shape (rows,)."""
        ...

    def predict_proba(self, frame: "pd.DataFrame") -> npt.NDArray[np.float64]:
        """Return probabilities, shape (rows, classes).

        Raises:
            DataError: NO_PROBABILITIES for regression.
        """
        ...

    def decide(self, probabilities: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
        """Return the label that each row of probabilities stands for, as `predict` would."""
        ...


def load_package(folder: Path, public_key: bytes | None = None) -> Predictor:
    """Load a model package after checking that every file is what its manifest says.

    The payload of some kinds is a pickle: without a key load only what was made on this machine.

    Args:
        folder: The package.
        public_key: The registry's, as PEM: the manifest has to bear its signature.

    Raises:
        DataError: PACKAGE_CORRUPT, PACKAGE_SIGNATURE_INVALID, or MODEL_KIND_UNKNOWN for a kind of
            a later version.
    """
    manifest = verify_package(folder, public_key)
    load = _LOADERS.get(manifest.kind)
    if load is None:
        raise DataError(
            f"the model is of kind {manifest.kind!r}; this version loads {', '.join(_LOADERS)}",
            reason="MODEL_KIND_UNKNOWN",
        )
    return load(folder, manifest)


def _load_tabular(folder: Path, manifest: Manifest) -> Predictor:
    from omniscope_ml.tabular import TabularModel

    return TabularModel.load(folder / manifest.payload, manifest)


def _load_network(folder: Path, manifest: Manifest) -> Predictor:
    from omniscope_ml.network_model import NetworkModel

    return NetworkModel.load(folder / manifest.payload, manifest)


_LOADERS: Mapping[str, Callable[[Path, Manifest], Predictor]] = {
    "automl.tabular": _load_tabular,
    "deeplearning.network": _load_network,
}
