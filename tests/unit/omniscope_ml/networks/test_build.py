"""Networks made of descriptions."""

import json

import pytest
import torch

from omniscope_ml.errors import DataError
from omniscope_ml.networks.architectures import ARCHITECTURES
from omniscope_ml.networks.blocks import Arranged
from omniscope_ml.networks.build import build_network
from omniscope_ml.networks.description import NetworkDescription, describe_network
from omniscope_ml.networks.layout import InputLayout


def described(architecture, columns=30, layout=None, **parameters):
    return describe_network(
        architecture, parameters, layout or InputLayout(), columns=columns, outputs=3
    )


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("columns", [1, pytest.param(7, marks=pytest.mark.slow), 300])
def test_every_network_takes_any_number_of_columns(architecture, columns):
    network = build_network(described(architecture, columns)).eval()

    assert network(torch.randn(5, columns)).shape == (5, 3)
    assert network(torch.randn(1, columns)).shape == (1, 3)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_rows_do_not_influence_each_other(architecture):
    network = build_network(described(architecture)).eval()
    rows = torch.randn(6, 30)

    with torch.inference_mode():
        torch.testing.assert_close(network(rows)[2:4], network(rows[2:4]))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_seed_gives_the_same_weights_and_leaves_other_random_numbers_alone(architecture):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)

    first, second, other = (build_network(described(architecture), s) for s in (1, 1, 2))

    assert torch.equal(torch.rand(3), expected)
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert any(
        not torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True)
    )


def test_columns_are_arranged_as_their_order_says():
    row = torch.arange(6.0)[None]
    first = InputLayout(kind="sequence", steps=3, channels=2)
    last = InputLayout(kind="sequence", steps=3, channels=2, order="channels_last")

    assert Arranged(first)(row).tolist() == [[[0, 1, 2], [3, 4, 5]]]
    assert Arranged(last)(row).tolist() == [[[0, 2, 4], [1, 3, 5]]]


def test_images_have_their_channels_first():
    row = torch.arange(8.0)[None]
    layout = InputLayout(kind="image", height=2, width=2, channels=2, order="channels_last")

    assert Arranged(layout)(row).tolist() == [[[[0, 2], [4, 6]], [[1, 3], [5, 7]]]]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_description_survives_its_file(architecture):
    description = described(architecture)

    assert NetworkDescription.from_json(description.to_json()) == description


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"architecture": "perceptron"},
        {"columns": 31_000},
        {"parameters": {"width": 64}},
        {"dropout": 1.5},
        {"surprise": 1},
    ],
)
def test_a_damaged_description_is_refused(change):
    values = json.loads(described("gru").to_json()) | change

    with pytest.raises(DataError) as refused:
        NetworkDescription.from_json(json.dumps(values))

    assert refused.value.reason == "PACKAGE_CORRUPT"
