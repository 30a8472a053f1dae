"""A network that the suite trained, behind the suite's Predictor."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from omniscope_ml.errors import DataError
from omniscope_ml.labels import ClassLabels
from omniscope_ml.networks.description import NetworkDescription
from omniscope_ml.networks.size import rows_at_once
from omniscope_ml.packaging import Manifest
from omniscope_ml.preprocessing import FittedPreprocessor, read_arrays

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

WEIGHTS_FILE = "weights.safetensors"
NETWORK_FILE = "network.json"
PREPROCESSING_FILE = "preprocessing.npz"

_SHARES = [(draw + 0.5) / 32 for draw in range(32)]
"""Training rows that lend their texts to a row whose own no training row has."""


class NetworkModel:
    """Preprocessing and a network: columns in any order, classes in the suite's order.

    Args:
        network: Shape (rows, columns) to (rows, outputs), with its trained weights.
        description: What it is.
        preprocessor: Makes its columns of a table.
        labels: The classes; None for regression.
    """

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
        return self._answers(frame)[:, 0]

    def predict_proba(self, frame: "pd.DataFrame") -> npt.NDArray[np.float64]:
        """Return probabilities, shape (rows, classes)."""
        self._classification()
        return self._answers(frame)

    def decide(self, probabilities: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
        """Return the most likely label of each row."""
        return self._classification().native(probabilities.argmax(axis=1))

    def _answers(self, frame: "pd.DataFrame") -> npt.NDArray[np.float64]:
        """Return probabilities or numbers, shape (rows, outputs).

        A text that no training row has says nothing: the answer is the mean of those for texts
        that training rows have. Networks are far from linear between their training rows.
        """
        answers = self._answer(self._preprocessor.transform(frame))
        untrained = self._preprocessor.untrained(frame)
        if untrained.any():
            rows = frame[untrained]
            drawn = [self._answer(self._preprocessor.transform(rows, at)) for at in _SHARES]
            answers[untrained] = np.mean(drawn, axis=0)
        return answers

    def _answer(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        outputs = self._outputs(matrix)
        if self._labels is None:
            about = self._description
            return outputs * about.target_scale + about.target_center
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def _outputs(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return what the network says, shape (rows, outputs)."""
        import torch

        rows = torch.from_numpy(matrix)
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
