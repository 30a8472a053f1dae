"""The tree of `omniscope models lineage`."""

import io

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console

from omniscope.common.v1.lineage_pb2 import (
    LINEAGE_NODE_KIND_ARTIFACT,
    LINEAGE_NODE_KIND_DATASET,
    LINEAGE_NODE_KIND_MODEL,
    Lineage,
    LineageEdge,
    LineageNode,
)
from omniscope_client.errors import RequestError
from omniscope_client.render import lineages

GONE = Timestamp(seconds=1)


def dataset(node_id):
    return LineageNode(id=node_id, kind=LINEAGE_NODE_KIND_DATASET, name="genes", version=2)


def model(node_id, **fields):
    return LineageNode(
        id=node_id, kind=LINEAGE_NODE_KIND_MODEL, name="m", version=1, type="automl", **fields
    )


def artifact(node_id):
    return LineageNode(id=node_id, kind=LINEAGE_NODE_KIND_ARTIFACT, type="explanation")


def drawn(found):
    file = io.StringIO()
    Console(file=file, width=100, markup=False).print(lineages.lineage(found))
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_a_model_is_drawn_with_what_it_was_made_of_and_what_was_made_of_it():
    lineage = Lineage(
        model_id="M3",
        nodes=[
            *(model("M3"), model("M1", delete_time=GONE)),
            *(model("M2", delete_time=GONE, purged=True), dataset("D1"), artifact("A1")),
        ],
        edges=[
            LineageEdge(role="teacher", input_id="M1", output_id="M3"),
            LineageEdge(role="baseline", input_id="M1", output_id="M3"),
            LineageEdge(role="member", input_id="M2", output_id="M3"),
            LineageEdge(role="training", input_id="D1", output_id="M1"),
            LineageEdge(role="member", input_id="M1", output_id="M2"),
            LineageEdge(role="explained", input_id="M3", output_id="A1"),
        ],
    )

    assert drawn(lineage) == [
        "m (version 1), automl M3",
        "├── made of",
        "│   ├── teacher, baseline: m (version 1), automl M1 deleted",
        "│   │   └── training: genes (version 2), dataset D1",
        "│   └── member: m (version 1), automl M2 deleted for good",
        "│       └── member: m (version 1), automl M1 deleted (see above)",
        "└── used by",
        "    └── explained: explanation A1",
    ]


def test_many_neighbours_are_counted_and_what_is_missing_is_told_of():
    made = [artifact(f"A{number}") for number in range(25)]
    edges = [LineageEdge(role="explained", input_id="M1", output_id=each.id) for each in made]
    lineage = Lineage(model_id="M1", nodes=[model("M1"), *made], edges=edges, truncated=True)

    lines = drawn(lineage)

    assert len(lines) == 25
    assert "and 5 more" in lines[-2]
    assert "--depth" in lines[-1]


def test_a_ring_is_drawn_once():
    edges = [
        LineageEdge(role="member", input_id="M1", output_id="M2"),
        LineageEdge(role="member", input_id="M2", output_id="M1"),
    ]
    lineage = Lineage(model_id="M1", nodes=[model("M1"), model("M2")], edges=edges)

    assert len(drawn(lineage)) < 10


def test_the_depth_reaches_the_request(omniscope, canned):
    omniscope("models", "lineage", "tissues@best", "--depth", "7")

    (request,) = canned.requests["GetLineage"]
    assert (request.model_id, request.max_depth) == ("tissues@best", 7)


def test_a_depth_that_no_field_holds_is_named(client):
    with pytest.raises(RequestError) as raised:
        client.models.lineage("tissues", 2**40)

    assert raised.value.field == "max_depth"
