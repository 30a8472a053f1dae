"""The entry of the automl service."""

from typing import Final

from omniscope_suite.entry import ServiceEntry

ENTRY: Final = ServiceEntry(
    name="automl",
    package="omniscope_automl",
    protos=("omniscope.automl.v1.automl_service_pb2",),
    description="AutoGluon training",
    resource_classes=("cpu",),
)
