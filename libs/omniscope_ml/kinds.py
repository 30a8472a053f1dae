"""Kinds of models: which class opens a package, found by the kind that its manifest names.

A distribution adds a kind as an entry point of the group `omniscope.predictors`. A package brings
the entry point of its own kind along, so that it opens where the suite is not installed.
"""

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import ClassVar, Protocol

from omniscope_ml.errors import DataError
from omniscope_ml.packaging import Manifest, verify_package
from omniscope_ml.predictor import Predictor

KINDS_GROUP = "omniscope.predictors"
"""Entry points of this group are named after a kind and lead to a `ModelKind`."""


class ModelKind(Protocol):
    """A class whose instances are predictors of one kind."""

    payload_note: ClassVar[str]
    """The model card's words on the payload: what it holds, and whether to trust it."""

    @classmethod
    def load(cls, payload: Path, manifest: Manifest) -> Predictor:
        """Load a model from the payload of a verified package."""
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
    return model_kind(manifest.kind).load(folder / manifest.payload, manifest)


def model_kind(name: str) -> type[ModelKind]:
    """Return the class that opens models of a kind.

    Raises:
        DataError: MODEL_KIND_UNKNOWN, for one of a later version, say.
    """
    kind: type[ModelKind] = kind_entry_point(name).load()
    return kind


def kind_entry_point(name: str) -> EntryPoint:
    """Return where the class is that opens models of a kind; the first on the path counts.

    Raises:
        DataError: MODEL_KIND_UNKNOWN.
    """
    known = entry_points(group=KINDS_GROUP)
    for point in known:
        if point.name == name:
            return point
    raise DataError(
        f"the model is of kind {name!r}; what is installed here loads "
        f"{', '.join(sorted(known.names)) or 'none'}",
        reason="MODEL_KIND_UNKNOWN",
    )
