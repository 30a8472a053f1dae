"""A dataset's profile as a person reads it: warnings first, then classes, numbers and the rest."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from omniscope.common.v1.dataset_pb2 import Dataset, DatasetColumn
from omniscope_client.render.amounts import number, size

# More values than these are no classes, and no list that anybody reads.
MAX_CLASSES = 20
_BAR_CELLS = 20
_HEIGHTS = "▁▂▃▄▅▆▇█"
_NUMBERS = ("int64", "float32", "float64")


def profile(dataset: Dataset, columns: Sequence[DatasetColumn], limit: int) -> RenderableType:
    """Return a dataset's profile.

    Args:
        dataset: The dataset.
        columns: All its columns.
        limit: How many columns each part shows.
    """
    classes: list[DatasetColumn] = []
    numbers: list[DatasetColumn] = []
    others: list[DatasetColumn] = []
    keys = set(dataset.likely_key_columns)
    for column in columns:
        is_label = _holds_classes(column) and column.name not in keys
        kind = classes if is_label else numbers if column.HasField("min") else others
        kind.append(column)
    parts: list[RenderableType] = [_headline(dataset), *warnings(dataset)]
    if classes:
        parts += [_title("classes", classes, limit), _classes(classes[:limit], dataset.row_count)]
    if numbers:
        parts += [_title("numbers", numbers, limit), _numbers(numbers, limit, dataset.row_count)]
    if others:
        parts += [_title("others", others, limit), _others(others[:limit], dataset)]
    return Group(*parts)


def warnings(dataset: Dataset) -> list[Text]:
    """Return what to know before training on a dataset, one line each."""
    return [Text(f"! {warning}", style="yellow") for warning in dataset.warnings]


def histogram(counts: Sequence[int]) -> str:
    """Return counts as a bar each.

    >>> histogram([0, 1, 5, 10])
    ' ▁▄█'
    """
    highest = max(counts, default=0)
    return "".join(
        _HEIGHTS[max(count * len(_HEIGHTS) // highest - 1, 0)] if count else " "
        for count in counts
    )


def _headline(dataset: Dataset) -> Text:
    cells = dataset.row_count * dataset.column_count
    missing = _share(dataset.missing_count, cells) if dataset.missing_count else "none"
    return Text(
        f"{dataset.name} (version {dataset.version}): {dataset.row_count:,} rows x "
        f"{dataset.column_count:,} columns, {size(dataset.size_bytes)}, missing cells: {missing}"
    )


def _title(name: str, columns: Sequence[DatasetColumn], limit: int) -> Text:
    rest = len(columns) - limit
    more = f", the first {limit:,}; --columns {len(columns)} shows all" if rest > 0 else ""
    count = "1 column" if len(columns) == 1 else f"{len(columns):,} columns"
    return Text.assemble("\n", (name, "bold"), (f"  {count}{more}", "dim"))


def _holds_classes(column: DatasetColumn) -> bool:
    counted = column.HasField("distinct_count") and 2 <= column.distinct_count <= MAX_CLASSES
    return counted and column.type in ("string", "bool", "int64")


def _classes(columns: Iterable[DatasetColumn], rows: int) -> Table:
    table = _table("column", "type", "missing:>", "class", "rows:>", "share:>", "")
    for column in columns:
        head = [column.name, column.type, _missing(column, rows)]
        present = rows - column.missing_count
        most = max((top.count for top in column.top_values), default=0)
        for top in column.top_values:
            bar = "█" * max(round(_BAR_CELLS * top.count / most), 1)
            share = top.count / present
            table.add_row(
                *head, top.value, f"{top.count:,}", f"{share:.0%}" if share >= 0.01 else "<1%",
                Text(bar, style="cyan"),
            )  # fmt: skip
            head = ["", "", ""]
    return table


def _numbers(columns: Sequence[DatasetColumn], limit: int, rows: int) -> Table:
    table = _table(
        "column", "type", "missing:>", "min:>", "mean:>", "max:>", "sd:>", "spread", "remark"
    )
    for column in columns[:limit]:
        table.add_row(
            column.name, column.type, _missing(column, rows), number(column.min),
            number(column.mean) if column.HasField("mean") else "-", number(column.max),
            number(column.standard_deviation) if column.HasField("standard_deviation") else "-",
            Text(histogram(column.histogram), style="cyan"), _remark(column),
        )  # fmt: skip
    if len(columns) > limit:
        table.add_row(*_all_numbers(columns, rows), style="bold")
    return table


def _all_numbers(columns: Sequence[DatasetColumn], rows: int) -> tuple[str, ...]:
    """Return the row that sums up columns of which not all are shown."""
    missing = sum(column.missing_count for column in columns)
    means = [column.mean for column in columns if column.HasField("mean")]
    return (
        f"all {len(columns):,}",
        ", ".join(kind for kind in _NUMBERS if any(column.type == kind for column in columns)),
        _share(missing, rows * len(columns)) if missing else "-",
        number(min(column.min for column in columns)),
        number(sum(means) / len(means)) if means else "-",
        number(max(column.max for column in columns)),
    )


def _others(columns: Iterable[DatasetColumn], dataset: Dataset) -> Table:
    table = _table("column", "type", "missing:>", "distinct:>", "most frequent", "remark")
    for column in columns:
        frequent = ", ".join(f"{top.value} ({top.count:,})" for top in column.top_values[:3])
        is_key = column.name in dataset.likely_key_columns
        counted = column.HasField("distinct_count")
        distinct = f"{column.distinct_count:,}" if counted else "all" if is_key else "many"
        table.add_row(
            column.name, column.type, _missing(column, dataset.row_count), distinct,
            "" if is_key else frequent, "sample id" if is_key else _remark(column),
        )  # fmt: skip
    return table


def _remark(column: DatasetColumn) -> str:
    if column.constant:
        return "constant"
    return f"same as {column.duplicate_of}" if column.duplicate_of else ""


def _missing(column: DatasetColumn, rows: int) -> str:
    return _share(column.missing_count, rows) if column.missing_count else "-"


def _share(count: int, whole: int) -> str:
    return f"{count:,} ({count / whole:.1%})"


def _table(*headings: str) -> Table:
    """Return an empty table; a heading that ends in `:>` aligns its column to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in headings:
        text, right = heading.removesuffix(":>"), heading.endswith(":>")
        table.add_column(text, justify="right" if right else "left", overflow="fold")
    return table
