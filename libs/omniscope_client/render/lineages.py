"""Draws a lineage as a tree: below a model what it was made of, then what was made of it."""

from collections.abc import Mapping
from typing import TypeAlias

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from omniscope.common.v1.lineage_pb2 import (
    LINEAGE_NODE_KIND_DATASET,
    Lineage,
    LineageNode,
)

SHOWN_NEIGHBOURS = 20
MORE = "There is more: --depth goes farther, up to 1,000 things on each side."
Roles: TypeAlias = dict[str, None]
Ways: TypeAlias = Mapping[str, Mapping[str, Roles]]
"""By a node's id those one job farther away, by their ids, with the roles between."""


def lineage(found: Lineage) -> RenderableType:
    """Return a model with its lineage on both sides."""
    drawing = _Drawing(found)
    tree = Tree(drawing.label(found.model_id), guide_style="dim")
    drawing.grow(tree.add(Text("made of", "dim")), found.model_id, _ways(found, "output", "input"))
    drawing.grow(tree.add(Text("used by", "dim")), found.model_id, _ways(found, "input", "output"))
    return Group(tree, Text(MORE, "yellow")) if found.truncated else tree


def _ways(found: Lineage, near: str, far: str) -> Ways:
    ways: dict[str, dict[str, Roles]] = {}
    for edge in found.edges:
        neighbours = ways.setdefault(getattr(edge, f"{near}_id"), {})
        neighbours.setdefault(getattr(edge, f"{far}_id"), {})[edge.role] = None
    return ways


class _Drawing:
    def __init__(self, found: Lineage) -> None:
        self._nodes = {node.id: node for node in found.nodes}
        self._drawn: set[str] = set()

    def grow(self, branch: Tree, node_id: str, ways: Ways) -> None:
        """Add what lies beyond a node; what is reached twice is drawn whole only once."""
        neighbours = list(ways.get(node_id, {}).items())
        for other_id, roles in neighbours[:SHOWN_NEIGHBOURS]:
            seen = other_id in self._drawn and other_id in ways
            self._drawn.add(other_id)
            twig = branch.add(self.label(other_id, roles, seen=seen))
            if not seen:
                self.grow(twig, other_id, ways)
        if len(neighbours) > SHOWN_NEIGHBOURS:
            more = f"and {len(neighbours) - SHOWN_NEIGHBOURS} more: --json has them all"
            branch.add(Text(more, "dim"))

    def label(self, node_id: str, roles: Roles | None = None, *, seen: bool = False) -> Text:
        """Return what a node is called, and what it was read for."""
        node = self._nodes[node_id]
        return Text.assemble(
            (f"{', '.join(roles)}: " if roles else "", "dim"),
            _name(node),
            (f" {node_id}", "dim"),
            (_loss(node), "red"),
            (" (see above)" if seen else "", "dim"),
        )


def _name(node: LineageNode) -> str:
    kind = "dataset" if node.kind == LINEAGE_NODE_KIND_DATASET else node.type
    return f"{node.name} (version {node.version}), {kind}" if node.name else kind


def _loss(node: LineageNode) -> str:
    if node.purged:
        return " deleted for good"
    return " deleted" if node.HasField("delete_time") else ""
