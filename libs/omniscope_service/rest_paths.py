"""REST paths, as the methods of services are annotated with them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from google.api import annotations_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.descriptor import ServiceDescriptor

_VARIABLE = re.compile(r"\{[^}]*\}")


def words_beside_names(services: Iterable[ServiceDescriptor]) -> frozenset[str]:
    """Return the words that stand in a path where another path has a name or an id.

    No path leads to what has such a word for a name: with `/models/{model_id}` and `/models/list`
    a model named `list` cannot be reached.
    """
    paths = {tuple(path.split("/")) for service in services for path in _paths(service)}
    parents = {path[:place] for path in paths for place, word in enumerate(path) if word == "*"}
    return frozenset(
        word
        for path in paths
        for place, word in enumerate(path)
        if path[:place] in parents and "*" not in word
    )


def _paths(service: ServiceDescriptor) -> Iterator[str]:
    """Yield the paths of a service, `*` for what stands in braces."""
    for method in service.methods:
        rule = method.GetOptions().Extensions[annotations_pb2.http]
        for binding in (rule, *rule.additional_bindings):
            verb = binding.WhichOneof("pattern")
            if verb is not None:
                yield _VARIABLE.sub("*", getattr(binding, verb))
