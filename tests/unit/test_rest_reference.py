"""docs/rest.md lists every REST path of the public services, as their annotations have them."""

import re
from collections.abc import Iterator
from pathlib import Path

from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor

from omniscope_gateway.services import PUBLIC_SERVICES

REFERENCE = Path(__file__).parents[2] / "docs" / "rest.md"
ROW = re.compile(r"^\| `(GET|POST|PATCH|PUT|DELETE) ([^`]+)` \| (\w+)\.(\w+) \|", re.MULTILINE)


def public_methods() -> Iterator[MethodDescriptor]:
    for services in PUBLIC_SERVICES.values():
        for service in services:
            yield from service.methods


def annotated_paths() -> set[tuple[str, ...]]:
    rows: set[tuple[str, ...]] = set()
    for method in public_methods():
        rule = method.GetOptions().Extensions[annotations_pb2.http]
        verb = rule.WhichOneof("pattern")
        rows.add((verb.upper(), getattr(rule, verb), method.containing_service.name, method.name))
    return rows


def test_the_reference_has_every_path_and_no_other():
    assert set(ROW.findall(REFERENCE.read_text())) == annotated_paths()
