"""Specs, learning rates and job_file of rows."""

import pytest
import torch

from omniscope_deeplearning.data import Chunks
from omniscope_deeplearning.options import TrainingOptions, batch_size_for
from omniscope_deeplearning.schedules import LearningRate, halving_epochs
from omniscope_deeplearning.state import State
from omniscope_deeplearning.threads import chosen_threads
from omniscope_ml.networks.description import describe_network
from omniscope_ml.networks.layout import InputLayout


def test_schedules_rise_and_fall_as_they_say():
    cosine = LearningRate("cosine", 1.0, steps=100, warmup=10)
    cycle = LearningRate("one_cycle", 1.0, steps=100, warmup=0)

    assert [cosine.at(step) for step in (0, 9, 10)] == pytest.approx([0.1, 1.0, 1.0])
    assert cosine.at(55) == pytest.approx(0.5)
    assert cosine.at(99) < 0.001
    assert cycle.at(0) == pytest.approx(0.04)
    assert cycle.at(30) == pytest.approx(1.0)
    assert cycle.at(99) < 0.001
    assert LearningRate("none", 1.0, steps=9, warmup=0).at(8) == 1.0
    assert LearningRate("plateau", 1.0, steps=9, warmup=0).at(8, halvings=2) == 0.25


def test_a_plateau_halves_each_time_a_third_of_the_patience_brought_nothing():
    losses = [1.0, 0.9995, 1.0, 1.0, 1.0, 0.9, 0.9, 0.8999]
    soon, late = State(), State()
    for loss in losses:
        soon.note_loss(loss, 0.001, halving_epochs(6))
        late.note_loss(loss, 0.001, halving_epochs(30))

    assert (soon.halvings, late.halvings) == (3, 0)
    assert soon.stagnant == late.stagnant == 2


def test_default_batches_suit_the_number_of_rows():
    sizes = [batch_size_for(TrainingOptions(), rows) for rows in (5, 63, 220, 1100, 100_000)]

    assert sizes == [5, 8, 32, 256, 256]


def test_every_epoch_has_all_rows_in_an_order_of_its_own():
    chunks = Chunks(10, 4, seed=1)
    first = torch.cat(list(chunks))
    chunks.epoch, chunks.together = 1, 2
    second = torch.cat(list(chunks))
    chunks.first_step = 2
    rest = torch.cat(list(chunks))

    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(10))
    assert first.tolist() != second.tolist()
    assert rest.tolist() == second.tolist()[8:]
    assert chunks.steps == 3


def test_little_work_is_done_by_one_thread_and_the_setting_is_given_back():
    image = InputLayout(kind="image", height=8, width=8, channels=1)
    description = describe_network("cnn2d", {}, image, columns=64, outputs=2)
    before = torch.get_num_threads()

    with chosen_threads(description, weights=1000, batch_size=8, processes=1):
        assert torch.get_num_threads() == 1
    with chosen_threads(description, weights=10**6, batch_size=256, processes=10**6):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
