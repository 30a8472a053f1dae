"""What rows and weights need is told before anything is made."""

import pytest
import torch

from omniscope_ml.errors import DataError
from omniscope_ml.networks.architectures import ARCHITECTURES
from omniscope_ml.networks.build import build_network
from omniscope_ml.networks.description import describe_network
from omniscope_ml.networks.layout import InputLayout
from omniscope_ml.networks.size import (
    check_trainable,
    count_weights,
    multiplications,
    positions,
    rows_at_once,
)

GIB = 2**30


def described(architecture, columns=30, layout=None, **parameters):
    return describe_network(
        architecture, parameters, layout or InputLayout(), columns=columns, outputs=3
    )


def looked_at(description):
    """Return at how many positions the layers behind the first ones really work."""
    network = build_network(description).eval()
    body, seen = network[1], []
    part = {"rnn": "layers", "lstm": "layers", "gru": "layers"}.get(
        description.architecture, "blocks"
    )
    getattr(body, part).register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.inference_mode():
        network(torch.zeros(1, description.columns))
    width = int(description.parameters["width"])
    return seen[0].numel() // width


@pytest.mark.parametrize("architecture", ["mlp", "cnn2d", "rnn", "lstm", "gru", "transformer"])
@pytest.mark.parametrize("columns", [1, 30, 300])
def test_places_are_those_that_a_network_works_at(architecture, columns):
    description = described(architecture, columns)

    assert positions(description) == looked_at(description)


@pytest.mark.parametrize("columns", [1, 128, 129, 1000])
def test_a_convolution_over_steps_works_at_no_more_places_than_said(columns):
    description = described("cnn1d", columns)

    assert positions(description) / 2 <= looked_at(description) <= positions(description)


@pytest.mark.parametrize("architecture", ["gru", "transformer"])
def test_a_chosen_patch_decides_about_the_places(architecture):
    layout = InputLayout(kind="sequence", steps=100, channels=3)
    description = described(architecture, 300, layout, patch=8)

    assert positions(description) == looked_at(description) == 13


def test_few_rows_at_once_go_through_a_network_that_holds_much_of_each():
    tokens = described("transformer", 1000, patch=1)

    assert rows_at_once(described("mlp", 30)) == 4096
    assert rows_at_once(described("cnn2d", 20_000)) == 2**26 // (20_000 + 12 * 142 * 142 * 32)
    assert rows_at_once(tokens) == 2**26 // (1000 + 12 * 1000 * 64)
    assert rows_at_once(described("transformer", 400_000, patch=1, width=1024)) == 1


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_weights_are_counted_without_being_made(architecture):
    description = described(architecture, 300)

    made = sum(tensor.numel() for tensor in build_network(description).parameters())

    assert count_weights(description) == made


def test_weights_of_tokens_multiply_once_and_all_others_at_each_place():
    flat = described("transformer", 1000, patch=10)

    assert multiplications(flat, 100_000) == 64_000 + 36_000 * 100
    assert multiplications(described("mlp", 1000), 5_000) == 5_000
    assert multiplications(described("cnn2d", 64), 5_000) == 5_000 * 64


def test_a_network_that_no_memory_holds_is_refused_with_figures():
    vast = described("mlp", 1_000_000, width=4096, depth=24)

    with pytest.raises(DataError) as refused:
        check_trainable(vast, 16 * GIB)

    assert (refused.value.reason, refused.value.field) == ("FIELD_INVALID", "parameters.width")
    assert "parameters.width is 4096, which makes 5.71e+09 weights" in refused.value.message
    assert "takes 106.4 GiB, and there are 16.0 GiB" in refused.value.message


def test_a_network_that_just_fits_is_not_refused():
    description = described("mlp", 30)
    needed = count_weights(description) * 20

    check_trainable(description, needed)
    with pytest.raises(DataError):
        check_trainable(description, needed - 1)


@pytest.mark.parametrize(("depth", "width"), [(1, 32), (3, 128), (4, 256), (8, 256), (12, 256)])
def test_a_network_over_images_widens_up_to_eight_times(depth, width):
    with torch.device("meta"):
        network = build_network(described("cnn2d", 20_000, depth=depth))

    assert network[1].head[1].in_features == width


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_largest_network_of_a_wide_table_is_one_that_a_machine_could_hold(architecture):
    largest = {
        parameter.name: parameter.maximum
        for parameter in ARCHITECTURES[architecture].parameters
        if parameter.name in ("width", "depth")
    }

    assert count_weights(described(architecture, 20_000, **largest)) < 2e9
