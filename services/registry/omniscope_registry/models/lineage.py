"""Walks from a model along the jobs that made it, or along those that read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_NODES: Final = 1000
"""Nodes on one side of the model."""
MAX_EDGES: Final = 5000
"""Edges on one side of the model."""


class NodeKind(StrEnum):
    """The kinds of a lineage's nodes."""

    DATASET = "dataset"
    MODEL = "model"
    ARTIFACT = "artifact"


class Edge(NamedTuple):
    """A job read one thing and made another; `LineageEdge` says what the fields mean."""

    job_id: str
    role: str
    input_id: str
    output_id: str


class Step(NamedTuple):
    """An edge in the direction of the walk.

    Attributes:
        edge: The edge.
        node_id: Its end that is farther from the model.
        kind: What that is.
    """

    edge: Edge
    node_id: str
    kind: NodeKind


class Steps(Protocol):
    """Finds how a walk goes on."""

    async def __call__(self, model_ids: Sequence[str], limit: int) -> Sequence[Step]:
        """Return steps away from models, at most `limit`, always the same ones."""
        ...


@dataclass
class Side:
    """One side of a model's lineage, as far as it was found.

    Attributes:
        nodes: What they are, by their ids, the nearest first.
        edges: In the order in which they were found; the values mean nothing.
        truncated: Whether there is more.
    """

    nodes: dict[str, NodeKind] = field(default_factory=dict)
    edges: dict[Edge, None] = field(default_factory=dict)
    truncated: bool = False

    def add(self, steps: Sequence[Step]) -> list[str]:
        """Take steps as far as there is room; return the models that they reach first."""
        reached = []
        self.truncated = len(steps) > MAX_EDGES
        for edge, node_id, kind in steps:
            is_new = node_id not in self.nodes
            if len(self.edges) == MAX_EDGES or (is_new and len(self.nodes) == MAX_NODES):
                self.truncated = True
                break
            self.edges[edge] = None
            self.nodes[node_id] = kind
            if is_new and kind is NodeKind.MODEL:
                reached.append(node_id)
        return reached


async def walk(model_id: str, steps: Steps, max_depth: int) -> Side:
    """Return what lies at most `max_depth` jobs away from a model on one side, level by level."""
    side, level = Side(), [model_id]
    for _ in range(max_depth):
        level = side.add(await steps(level, MAX_EDGES + 1))
        if side.truncated or not level:
            return side
    side.truncated = bool(await steps(level, 1))
    return side
