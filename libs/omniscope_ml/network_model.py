"""A network that the suite trained, behind the suite's Predictor."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from omniscope_ml.errors import DataError
from omniscope_ml.labels import ClassLabels
from omniscope_ml.networks.description import NetworkDescription
from omniscope_ml.networks.size import rows_at_once
from omniscope_ml.packaging import Manifest
from omniscope_ml.preprocessing.archive import read_arrays
from omniscope_ml.preprocessing.preprocessor import FittedPreprocessor

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

WEIGHTS_FILE = "weights.safetensors"
NETWORK_FILE = "network.json"
PREPROCESSING_FILE = "preprocessing.npz"


class NetworkModel:
    """Preprocessing and a network: columns in any order, classes in the suite's order.

    Args:
        network: Shape (rows, columns) to (rows, outputs), with its trained weights.
        description: What it is.
        preprocessor: Makes its columns of a table.
        labels: The classes; None for regression.
    """

    payload_note: ClassVar = "The payload is weights\nand arrays: it holds no code and no pickle."

    def __init__(
        self,
        network: "nn.Module",
        description: NetworkDescription,
        preprocessor: FittedPreprocessor,
        labels: ClassLabels | None,
    ) -> None:
        self._network = network.eval()
        self._description = description
        self._preprocessor = preprocessor
        self._labels = labels

    @classmethod
    def load(cls, payload: Path, manifest: Manifest) -> "NetworkModel":
        """Load a network; nothing in the folder is code.

        Raises:
            DataError: PACKAGE_CORRUPT when the parts do not fit each other.
        """
        from omniscope_ml.networks.build import build_network

        text = (payload / NETWORK_FILE).read_text(encoding="utf-8")
        description = NetworkDescription.from_json(text)
        preprocessor = FittedPreprocessor.from_arrays(read_arrays(payload / PREPROCESSING_FILE))
        labels = None
        if manifest.classes:
            labels = ClassLabels.from_texts(manifest.classes, manifest.label_type)
        expected = len(manifest.classes) or 1
        if description.outputs != expected or description.columns != len(
            preprocessor.output_names
        ):
            raise _corrupt("network.json does not fit the classes or the preprocessing")
        network = build_network(description)
        _load_weights(network, payload / WEIGHTS_FILE)
        return cls(network, description, preprocessor, labels)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return tuple(feature.name for feature in self._preprocessor.features)

    @property
    def classes(self) -> tuple[str, ...]:
        """Its classes in the order of every probability vector; empty for regression."""
        return self._labels.texts if self._labels else ()

    def predict(self, frame: "pd.DataFrame") -> npt.NDArray[Any]:
        """Return native labels or numbers, shape (rows,)."""
        if self._labels is not None:
            return self.decide(self.predict_proba(frame))
        about = self._description
        return self._outputs(frame)[:, 0] * about.target_scale + about.target_center

    def predict_proba(self, frame: "pd.DataFrame") -> npt.NDArray[np.float64]:
        """Return probabilities, shape (rows, classes)."""
        self._classification()
        outputs = self._outputs(frame)
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def decide(self, probabilities: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
        """Return the most likely label of each row."""
        return self._classification().native(probabilities.argmax(axis=1))

    def _outputs(self, frame: "pd.DataFrame") -> npt.NDArray[np.float64]:
        """Return what the network says, shape (rows, outputs)."""
        import torch

        rows = torch.from_numpy(self._preprocessor.transform(frame))
        with torch.inference_mode():
            parts = [self._network(part) for part in rows.split(rows_at_once(self._description))]
        return np.asarray(torch.cat(parts).double().numpy())

    def _classification(self) -> ClassLabels:
        if self._labels is None:
            raise DataError("a regression model has no probabilities", reason="NO_PROBABILITIES")
        return self._labels


def _load_weights(network: "nn.Module", path: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        network.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError, OSError) as error:
        raise _corrupt(f"{path.name} does not hold the weights of network.json") from error


def _corrupt(what: str) -> DataError:
    return DataError(f"the model package is damaged: {what}", reason="PACKAGE_CORRUPT")
