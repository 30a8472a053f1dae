"""Every request that trains on a table has the fields that all trainings share, alike."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import pytest
from google.api import field_behavior_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

from omniscope.common.v1 import hyperparameter_pb2
from tools.proto_files import proto_files

OWN_FROM = 40
MARKS = {"dataset_id", "target_column", "feature_columns"}
# A method that has no choice of devices leaves them out.
NOT_EVERYWHERE = {"resources"}


class Field(NamedTuple):
    """What a caller, a stored request and a reader of the reference see of a field."""

    number: int
    name: str
    type: str
    label: int
    optional: bool
    behavior: tuple[int, ...]
    hyperparameter: bool
    comment: str


@pytest.fixture(scope="module")
def requests() -> dict[str, set[Field]]:
    """The fields of each request, as protoc reads protos/: stubs carry no comments."""
    found = dict(training_requests(proto_files().file))
    assert len(found) > 1
    return found


def training_requests(files: Iterable[FileDescriptorProto]) -> Iterator[tuple[str, set[Field]]]:
    for file in files:
        comments = {tuple(at.path): at.leading_comments for at in file.source_code_info.location}
        for index, message in enumerate(file.message_type):
            fields = {
                Field(
                    field.number,
                    field.name,
                    type_of(field, message),
                    field.label,
                    field.proto3_optional,
                    tuple(field.options.Extensions[field_behavior_pb2.field_behavior]),
                    field.options.Extensions[hyperparameter_pb2.hyperparameter],
                    comments.get((4, index, 2, place), ""),
                )
                for place, field in enumerate(message.field)
            }
            if message.name.endswith("Request") and {field.name for field in fields} >= MARKS:
                yield f"{file.package}.{message.name}", fields


def type_of(field: FieldDescriptorProto, message: DescriptorProto) -> str:
    for nested in message.nested_type:
        if nested.options.map_entry and field.type_name.endswith(f".{message.name}.{nested.name}"):
            return ", ".join(type_of(part, nested) for part in nested.field)
    return field.type_name or FieldDescriptorProto.Type.Name(field.type)


def shared(requests: dict[str, set[Field]]) -> set[Field]:
    return {field for fields in requests.values() for field in fields if field.number < OWN_FROM}


def repeated(values: Iterable[object]) -> set[object]:
    return {value for value, count in Counter(values).items() if count > 1}


def test_a_field_below_40_is_the_same_in_every_request_that_has_it(requests):
    fields = shared(requests)

    assert repeated(field.number for field in fields) == set()
    assert repeated(field.name for field in fields) == set()


def test_what_two_requests_name_alike_is_a_shared_field(requests):
    named = Counter(field.name for fields in requests.values() for field in fields)
    own = {field.name for fields in requests.values() for field in fields - shared(requests)}

    assert {name for name in own if named[name] > 1} == set()


def test_every_request_has_all_shared_fields(requests):
    wanted = {field.name for field in shared(requests)} - NOT_EVERYWHERE
    missing = {
        request: wanted - {field.name for field in fields} for request, fields in requests.items()
    }

    assert {request: names for request, names in missing.items() if names} == {}


def test_every_shared_field_has_a_comment(requests):
    assert {field.name for field in shared(requests) if not field.comment.strip()} == set()
