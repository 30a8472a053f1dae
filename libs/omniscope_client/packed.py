"""Messages in `Any`, such as a job's configuration, whose service need not be installed here."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, cast

from google.protobuf import descriptor_pool
from google.protobuf.empty_pb2 import Empty

from omniscope_suite.services import load_messages

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.descriptor_pool import DescriptorPool


def packed_messages() -> DescriptorPool:
    """Return what describes every packed message: an unknown one as empty, so its type is all."""
    return cast("DescriptorPool", _PackedMessages())


class _PackedMessages:
    def FindMessageTypeByName(self, name: str) -> Descriptor:  # noqa: N802 - protobuf's name
        return _find(name) or _find_of_services(name) or Empty.DESCRIPTOR


def _find(name: str) -> Descriptor | None:
    try:
        return descriptor_pool.Default().FindMessageTypeByName(name)
    except KeyError:
        return None


def _find_of_services(name: str) -> Descriptor | None:
    with suppress(LookupError):  # a client may be installed without any service
        load_messages()
    return _find(name)
