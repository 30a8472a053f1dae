"""Makes the network that a description describes."""

import torch
from torch import nn

from omniscope_ml.networks.blocks import Arranged
from omniscope_ml.networks.cnn1d import Cnn1d
from omniscope_ml.networks.cnn2d import Cnn2d
from omniscope_ml.networks.description import NetworkDescription
from omniscope_ml.networks.mlp import Mlp
from omniscope_ml.networks.recurrent import Recurrent
from omniscope_ml.networks.transformer import Transformer

_NETWORKS = {"mlp": Mlp, "cnn1d": Cnn1d, "cnn2d": Cnn2d, "transformer": Transformer}


def build_network(description: NetworkDescription, seed: int = 0) -> nn.Module:
    """Return a new network whose weights depend on the seed only.

    Shape of what it reads: (rows, columns), float32. Of what it gives: (rows, outputs), logits of
    the classes or the standardised number.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        body = _body(description)
    return nn.Sequential(Arranged(description.layout), body)


def _body(description: NetworkDescription) -> nn.Module:
    given = description.layout, description.columns, description.outputs
    chosen = description.parameters, description.dropout
    if network := _NETWORKS.get(description.architecture):
        return network(*given, *chosen)
    return Recurrent(description.architecture, description.layout, description.outputs, *chosen)
