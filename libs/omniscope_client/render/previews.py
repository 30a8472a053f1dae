"""The first rows of a dataset as a table for people."""

from google.protobuf.struct_pb2 import Value
from rich.table import Table

from omniscope.registry.v1.dataset_service_pb2 import PreviewColumn, PreviewDatasetResponse

_WIDEST = 24
_GAP = 3


def preview(answer: PreviewDatasetResponse, width: int, count: int) -> Table:
    """Return a table with as many columns as fit.

    Args:
        answer: The first rows of the first columns, or of those that were asked for.
        width: Of the table, in characters.
        count: How many columns there are to be seen, those not in the answer among them.
    """
    shown: list[tuple[PreviewColumn, list[str]]] = []
    used = 0
    for column in answer.columns:
        texts = [_text(value) for value in column.values]
        used += min(max(map(len, [column.name, *texts])), _WIDEST) + _GAP
        if shown and used > width:
            break
        shown.append((column, texts))
    hidden = count - len(shown)
    table = Table(caption=f"and {hidden:,} more columns: --column NAME" if hidden else None)
    for column, _ in shown:
        number = any(value.HasField("number_value") for value in column.values)
        table.add_column(
            column.name,
            justify="right" if number else "left",
            max_width=_WIDEST,
            no_wrap=True,
            overflow="ellipsis",
        )
    for row in zip(*(texts for _, texts in shown), strict=True):
        table.add_row(*row)
    return table


def _text(value: Value) -> str:
    match value.WhichOneof("kind"):
        case "number_value":
            return f"{value.number_value:.6g}"
        case "bool_value":
            return str(value.bool_value).lower()
        case "string_value":
            return value.string_value.removesuffix("T00:00:00")
        case _:
            return "-"
