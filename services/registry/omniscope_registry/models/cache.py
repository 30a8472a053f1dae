"""Keeps the answers of GetModel, the call that every prediction and every page begins with."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omniscope.common.v1.model_pb2 import Model


class ModelCache:
    """Messages by owner and id, the least recently used dropped first.

    The owner is part of the key, so that a hit is also the owner check. A model that was read
    before a change and arrives after it is not kept: `put` takes the `generation` from before the
    read.

    Args:
        capacity: How many models at most; 0 keeps none.
    """

    def __init__(self, capacity: int) -> None:
        self.generation = 0
        self._capacity = capacity
        self._models: OrderedDict[tuple[str, str], Model] = OrderedDict()

    def get(self, owner: str, model_id: str) -> Model | None:
        """Return a model; the message is shared, nobody may change it."""
        model = self._models.get((owner, model_id))
        if model is not None:
            self._models.move_to_end((owner, model_id))
        return model

    def put(self, owner: str, model: Model, *, generation: int) -> None:
        """Keep a model, unless something changed since `generation`."""
        if generation != self.generation:
            return
        self._models[owner, model.model_id] = model
        if len(self._models) > self._capacity:
            self._models.popitem(last=False)

    def drop(self, owner: str, model_id: str) -> None:
        """Forget a model that has changed."""
        self.generation += 1
        self._models.pop((owner, model_id), None)
