"""Threads share the work of a batch only where there is enough of it."""

import torch

from omniscope_deeplearning.threads import chosen_threads
from omniscope_ml.networks.description import describe_network
from omniscope_ml.networks.layout import InputLayout


def threads_of(description, monkeypatch, weights=64_000 + 75_000, batch_size=256):
    monkeypatch.setattr("omniscope_deeplearning.threads.cpu_count", lambda: 3)
    with chosen_threads(description, weights, batch_size, processes=1):
        return torch.get_num_threads()


def test_every_token_of_a_table_is_work(monkeypatch):
    tokens, patches = (
        describe_network("transformer", {"patch": patch}, InputLayout(), columns=1000, outputs=2)
        for patch in (1, 100)
    )

    assert threads_of(tokens, monkeypatch) == 3
    assert threads_of(patches, monkeypatch) == 1


def test_weights_that_each_see_one_feature_are_little_work(monkeypatch):
    wide = describe_network("transformer", {}, InputLayout(), columns=20_000, outputs=2)

    assert threads_of(wide, monkeypatch, weights=20_000 * 64 + 75_000) == 1
