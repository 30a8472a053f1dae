"""The table of cases names tests that exist, and no case is forgotten."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROWS = re.findall(
    r"^\| (F\d+) \|.*\| `(\w+\.py)::(\w+)(?:\[(.+)\])?` \|$",
    (HERE / "README.md").read_text(),
    re.M,
)
EXPECTED = {*range(1, 17), 19, 20, 23, 25, 27, *range(29, 34)}


def test_every_case_has_a_test():
    assert {int(case[1:]) for case, *_ in ROWS} >= EXPECTED


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(filter(None, row)))
def test_the_test_of_a_case_exists(row):
    _, file, name, parameter = row
    source = (HERE / file).read_text()

    assert f"def {name}(" in source
    assert f'"{parameter}"' in source or not parameter
