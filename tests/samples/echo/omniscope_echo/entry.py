"""The echo service, as the suite knows it."""

from typing import Final

from omniscope_suite.entry import ServiceEntry

ENTRY: Final = ServiceEntry(
    name="echo",
    package="omniscope_echo",
    protos=("omniscope_echo.v1.echo_service_pb2",),
    description="rows, repeated",
)
