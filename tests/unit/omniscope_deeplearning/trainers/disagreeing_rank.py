"""A rank that measures ever larger losses, as one that rounds differently might for an epoch."""

import sys
from itertools import count
from pathlib import Path
from unittest.mock import patch

from omniscope_deeplearning.losses import Loss
from omniscope_deeplearning.ranks import run_rank

factors = count(1)
total = Loss.total


def larger_total(loss, outputs, targets, weights, *, smooth=True):
    factor = 1 if smooth else next(factors)  # only where epochs are compared
    return factor * total(loss, outputs, targets, weights, smooth=smooth)


with patch.object(Loss, "total", larger_total):
    run_rank(Path(sys.argv[1]), int(sys.argv[2]))
