"""Results of a training, as the model's package holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf import json_format

from omniscope.common.v1.model_pb2 import ModelResults
from omniscope_registry.packages.package import corrupt, json_object, packaged_files, read_file

if TYPE_CHECKING:
    from omniscope_registry.jobs.values import VerifiedPackage
    from omniscope_service.artifacts import ArtifactStore

RESULTS: Final = "results.json"


async def read_results(artifacts: ArtifactStore, package: VerifiedPackage) -> dict[str, Any]:
    """Return results in the JSON form of `ModelResults`, with the protocol's field names.

    Raises:
        DataLoss: They are missing, are not of that form, or name a plot that is no file of the
            package; reason PACKAGE_CORRUPT.
    """
    results = _parsed(package.key, await read_file(artifacts, package.key, RESULTS))
    paths = {file.path for file in packaged_files(package.key, package.manifest)}
    for plot in results.get("plots", ()):
        if plot.get("path") not in paths:
            corrupt(
                package.key,
                f"{RESULTS} names the plot {plot.get('path')!r}, which is no file of it",
            )
    return results


def _parsed(key: str, data: bytes) -> dict[str, Any]:
    try:
        results = json_format.ParseDict(json_object(key, RESULTS, data), ModelResults())
    except json_format.ParseError:
        corrupt(key, f"{RESULTS} is not of the form of ModelResults")
    return dict(json_format.MessageToDict(results, preserving_proto_field_name=True))
