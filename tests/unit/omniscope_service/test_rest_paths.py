"""Words of REST paths that stand where other paths have a name."""

import importlib
from collections.abc import Iterator
from pathlib import Path

from google.api import annotations_pb2, http_pb2
from google.protobuf import empty_pb2
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

import omniscope
from omniscope_service.names import RESERVED
from omniscope_service.rest_paths import words_beside_names


def service_of(*rules: http_pb2.HttpRule) -> ServiceDescriptor:
    file = FileDescriptorProto(name="shelf.proto", dependency=[empty_pb2.DESCRIPTOR.name])
    service = file.service.add(name="Shelf")
    for number, rule in enumerate(rules):
        empty = ".google.protobuf.Empty"
        method = service.method.add(name=f"M{number}", input_type=empty, output_type=empty)
        method.options.Extensions[annotations_pb2.http].CopyFrom(rule)
    pool = DescriptorPool()
    pool.AddSerializedFile(empty_pb2.DESCRIPTOR.serialized_pb)
    return pool.AddSerializedFile(file.SerializeToString()).services_by_name["Shelf"]


def all_services() -> Iterator[ServiceDescriptor]:
    stubs = Path(next(iter(omniscope.__path__)))
    for file in stubs.rglob("*_service_pb2.py"):
        name = ".".join(("omniscope", *file.relative_to(stubs).with_suffix("").parts))
        yield from importlib.import_module(name).DESCRIPTOR.services_by_name.values()


def test_words_are_those_that_stand_where_another_path_has_a_name():
    service = service_of(
        http_pb2.HttpRule(get="/books/{book_id}"),
        http_pb2.HttpRule(get="/books/list"),
        http_pb2.HttpRule(post="/books:import"),
        http_pb2.HttpRule(post="/books/{book.book_id}:lend"),
        http_pb2.HttpRule(get="/books/{book_id}/pages/{page}"),
        http_pb2.HttpRule(
            get="/books/{book_id}/pages/first",
            additional_bindings=[http_pb2.HttpRule(get="/books/newest/pages")],
        ),
        http_pb2.HttpRule(get="/readers"),
        http_pb2.HttpRule(),
    )

    assert words_beside_names([service]) == {"list", "first", "newest"}


def test_no_path_of_any_service_has_a_word_that_may_be_a_name():
    services = list(all_services())

    assert len(services) > 4
    assert words_beside_names(services) == RESERVED
