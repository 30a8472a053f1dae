import pytest

from omniscope_ml.plots.style import PALETTE, largest, shown_name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("kidney", "kidney"),
        ("two\n lines\t", "two lines"),
        ("price in $", r"price in \$"),
        ("x" * 24, "x" * 24),
        ("x" * 25, "x" * 23 + "…"),
    ],
)
def test_a_name_is_drawn_on_one_line_without_formulas(name: str, shown: str) -> None:
    assert shown_name(name) == shown


def test_as_many_lines_as_there_are_colours_are_told_apart() -> None:
    values = [0.1, 0.9] * len(PALETTE)

    assert largest(values) == list(range(1, 2 * len(PALETTE), 2))
    assert largest([0.3, 0.2]) == [0, 1]
