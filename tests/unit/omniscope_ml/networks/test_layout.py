"""Layouts say how columns become a tensor, and refuse what does not fit."""

import pytest

from omniscope_ml.errors import DataError
from omniscope_ml.networks.layout import InputLayout, automatic_layout, fitted_layout


def test_a_layout_that_holds_all_columns_stays_as_it_is():
    layout = InputLayout(kind="sequence", steps=100, channels=6)

    assert fitted_layout(layout, 600, "cnn1d", ("sequence",)) == layout


@pytest.mark.parametrize(
    ("layout", "field", "counted"),
    [
        (InputLayout(kind="sequence", steps=100, channels=6), "input_layout.steps", "600"),
        (InputLayout(kind="image", height=8, width=8, channels=1), "input_layout.height", "64"),
    ],
)
def test_a_layout_of_another_size_is_refused_with_both_figures(layout, field, counted):
    with pytest.raises(DataError, match=f"= {counted} values; the features give 63") as refused:
        fitted_layout(layout, 63, "cnn1d", ("sequence", "image"))

    assert refused.value.reason == "LAYOUT_MISMATCH"
    assert refused.value.field == field


def test_a_layout_that_the_architecture_does_not_read_is_refused():
    with pytest.raises(DataError, match="mlp reads flat") as refused:
        fitted_layout(InputLayout(kind="sequence", steps=3, channels=1), 3, "mlp", ("flat",))

    assert refused.value.field == "input_layout.kind"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"kind": "cube"}, "input_layout.kind"),
        ({"kind": "flat", "order": "random"}, "input_layout.order"),
        ({"kind": "sequence", "steps": 0, "channels": 1}, "input_layout.steps"),
        ({"kind": "sequence", "steps": 5, "channels": 1, "height": 5}, "input_layout.height"),
        ({"kind": "image", "height": 8, "width": -1, "channels": 1}, "input_layout.width"),
    ],
)
def test_a_side_out_of_range_is_refused_by_its_name(given, field):
    with pytest.raises(DataError) as refused:
        InputLayout(**given)

    assert refused.value.reason == "FIELD_INVALID"
    assert refused.value.field == field


def test_automatic_layouts_hold_every_column():
    for columns in (1, 2, 63, 64, 65, 12_625):
        image = automatic_layout("image", columns, patched=False)
        sequence = automatic_layout("sequence", columns, patched=True)

        assert image.size is not None
        assert sequence.size is not None
        assert image.size >= columns
        assert image.size < columns + 2 * image.height + 1
        assert sequence.size >= columns
        assert sequence.steps <= 128
        assert automatic_layout("sequence", columns, patched=False).shape == (columns, 1)
