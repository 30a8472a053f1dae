import io
import json
from collections.abc import Sequence

from rich.console import Console

from omniscope.common.v1.dataset_pb2 import Dataset, DatasetColumn, ValueCount
from omniscope.registry.v1.dataset_service_pb2 import ListDatasetColumnsResponse
from omniscope_client.render import profiles
from tests.unit.omniscope_client.conftest import Canned

DATASET = Dataset(
    dataset_id="D1",
    name="cells",
    version=2,
    row_count=10,
    column_count=4,
    missing_count=2,
    size_bytes=2048,
    likely_key_columns=["id"],
    warnings=["1 column has one value only: zero"],
)
LABEL = DatasetColumn(
    name="kind",
    type="string",
    distinct_count=2,
    top_values=[ValueCount(value="B [cell]", count=8), ValueCount(value="T", count=2)],
)
KEY = DatasetColumn(name="id", position=1, type="string", distinct_count=10)
ZERO = DatasetColumn(
    name="zero", position=2, type="float32", min=0, mean=0, max=0, constant=True, distinct_count=1
)


def gene(number: int) -> DatasetColumn:
    return DatasetColumn(
        name=f"gene{number}",
        position=number,
        type="float32",
        missing_count=2,
        min=-number,
        mean=0.5,
        max=number,
        standard_deviation=1.5,
        histogram=[0, 1, 2, 4, 8],
        duplicate_of="gene1" if number == 2 else "",
    )


def printed(columns: Sequence[DatasetColumn], limit: int = 20) -> list[str]:
    console = Console(file=io.StringIO(), width=120, markup=False)
    console.print(profiles.profile(DATASET, columns, limit))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_profile_begins_with_the_shape_and_the_warnings() -> None:
    lines = printed([LABEL])

    assert lines[0] == (
        "cells (version 2): 10 rows x 4 columns, 2.00 KiB, missing cells: 2 (5.0%)"
    )
    assert lines[1] == "! 1 column has one value only: zero"


def test_classes_have_a_line_each_with_count_share_and_bar() -> None:
    lines = printed([LABEL])

    place = next(i for i, line in enumerate(lines) if line.startswith("kind"))
    assert lines[place].split() == ["kind", "string", "-", "B", "[cell]", "8", "80%", "█" * 20]
    assert lines[place + 1].split() == ["T", "2", "20%", "█" * 5]


def test_numbers_show_their_spread_as_small_bars_and_what_is_odd() -> None:
    lines = printed([gene(1), gene(2), ZERO])

    text = "\n".join(lines)
    assert "▁▂▄█" in text
    assert "2 (20.0%)" in text
    assert next(line for line in lines if line.startswith("gene2")).endswith("same as gene1")
    assert next(line for line in lines if line.startswith("zero")).rstrip().endswith("constant")


def test_a_wide_table_is_summed_up() -> None:
    lines = printed([gene(number) for number in range(1, 5001)], limit=3)

    assert "numbers  5,000 columns, the first 3; --columns 5000 shows all" in lines
    assert sum(line.startswith("gene") for line in lines) == 3
    last = next(line for line in lines if line.startswith("all 5,000"))
    assert last.split() == [
        "all", "5,000", "float32", "10,000", "(20.0%)", "-5000", "0.5000", "5000",
    ]  # fmt: skip


def test_a_sample_id_is_called_so() -> None:
    assert next(line for line in printed([KEY]) if line.startswith("id")).split() == [
        "id", "string", "-", "10", "sample", "id",
    ]  # fmt: skip


def test_the_command_prints_a_table_or_json(omniscope, canned: Canned) -> None:
    canned.answers["GetDataset"] = DATASET
    canned.answers["ListDatasetColumns"] = ListDatasetColumnsResponse(columns=[LABEL, KEY, ZERO])

    assert "B [cell]" in omniscope("datasets", "profile", "cells").out
    document = json.loads(omniscope("datasets", "profile", "cells", "--json").out)

    assert document["warnings"] == ["1 column has one value only: zero"]
    assert [column["name"] for column in document["columns"]] == ["kind", "id", "zero"]
