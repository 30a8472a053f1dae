"""Small tables with every kind of column that a training may be asked about."""

from collections.abc import Callable

ROWS = 60
WIDE_COLUMNS = 250

_CELLS: dict[str, Callable[[int], object]] = {
    "sample": lambda row: f"s{row:03}",
    "outcome": lambda row: ("healthy", "ill")[row % 2],
    "tissue": lambda row: ("brain", "heart", "liver")[row % 3],
    "flag": lambda row: ("false", "true")[row % 2],
    "code": lambda row: (10, 9)[row % 2],
    "age": lambda row: 20 + row,
    "score": lambda row: row / 7,
    "constant": lambda row: "same",
    "flat": lambda row: 0.5,
    "rare": lambda row: "odd" if row < 2 else "common",
    "partial": lambda row: "" if row < 5 else ("x", "y")[row % 2],
    "visit": lambda row: f"2026-01-{1 + row % 20:02}T10:00:00",
    "weight": lambda row: 0.5 + row % 3,
    "negative": lambda row: row - 30.5,
    "holey": lambda row: "" if row == 7 else row / 3,
    "patient": lambda row: f"p{row // 6}",
    "centre": lambda row: "" if row == 9 else f"c{row % 3}",
    "part": lambda row: ("train", "train", "validation", "test")[row // 2 % 4],
    "fold": lambda row: row // 2 % 4,
    "gene1": lambda row: row * 0.25,
    "gene2": lambda row: (row * 7 % 11) / 3,
    "gene3": lambda row: (row * 5 % 13) / 3,
}


def _csv(cells: dict[str, Callable[[int], object]], rows: int) -> str:
    lines = [",".join(str(cell(row)) for cell in cells.values()) for row in range(rows)]
    return "\n".join([",".join(cells), *lines, ""])


def _only(*names: str) -> dict[str, Callable[[int], object]]:
    return {name: _CELLS[name] for name in names}


TABLES = {
    "cells": _csv(_CELLS, ROWS),
    "tiny": _csv(_only("outcome", "gene1"), 12),
    "bare": _csv(_only("sample", "outcome"), 30),
    "wide": _csv(
        {
            **_only("outcome"),
            **{f"g{number:03}": lambda row: row % 7 / 3 for number in range(WIDE_COLUMNS)},
        },
        30,
    ),
}
