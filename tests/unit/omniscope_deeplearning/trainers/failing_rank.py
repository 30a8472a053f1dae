"""A rank that fails in its second epoch, as `RANK_FAILS_BY` says."""

import os
import sys
from pathlib import Path
from unittest.mock import patch

import torch

from omniscope_deeplearning.module import Learner
from omniscope_deeplearning.ranks import run_rank


def fail():
    raise ZeroDivisionError("cannot divide")


def fill_memory():
    torch.empty(2**50, dtype=torch.uint8)


step = Learner.training_step


def failing_step(learner, indices, index):
    if learner.state.epoch == 1:
        globals()[os.environ["RANK_FAILS_BY"]]()
    return step(learner, indices, index)


with patch.object(Learner, "training_step", failing_step):
    run_rank(Path(sys.argv[1]), int(sys.argv[2]))
