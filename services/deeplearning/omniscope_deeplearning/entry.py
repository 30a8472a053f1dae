"""The entry of the deeplearning service."""

from typing import Final

from omniscope_suite.entry import ServiceEntry

ENTRY: Final = ServiceEntry(
    name="deeplearning",
    package="omniscope_deeplearning",
    protos=("omniscope.deeplearning.v1.deep_learning_service_pb2",),
    description="training of networks",
    resource_classes=("cpu", "gpu"),
)
