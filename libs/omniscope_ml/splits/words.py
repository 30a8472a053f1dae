"""The meaning of the values of a column that divides the rows.

Allowed, whatever the case: `train` or `training`; `validation`, `valid`, `val` or `dev`; `test`,
`testing` or `holdout`; and whole numbers from 0, which are validation folds.
"""

from typing import Final

from omniscope_ml.errors import DataError

FIELD: Final = "split_column"
TRAIN: Final = -1
VALIDATION: Final = -2
TEST: Final = -3
"""Parts that no fold has the number of."""

_PART_BY_WORD: Final = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("validation", "valid", "val", "dev"), VALIDATION),
    **dict.fromkeys(("test", "testing", "holdout"), TEST),
}
_SHOWN: Final = 5
# All numbers of so many digits fit into 64 bits.
_MAX_DIGITS: Final = 18


def part_of(text: str) -> int | None:
    """Return the fold that a value names, a number below 0 for the words; None: not allowed.

    >>> part_of("3"), part_of("fold three") is None
    (3, True)
    """
    word = text.strip().lower()
    if word in _PART_BY_WORD:
        return _PART_BY_WORD[word]
    whole = word.removesuffix(".0")
    is_number = whole.isascii() and whole.isdigit() and len(whole) <= _MAX_DIGITS
    return int(whole) if is_number else None


def names_validation(text: str) -> bool:
    """Return whether a value names the one part that validates."""
    return part_of(text) == VALIDATION


def unknown_parts(column: str, values: list[str]) -> DataError:
    """Return the error about values that name no part."""
    shown = ", ".join(repr(value[:64]) for value in values[:_SHOWN])
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return DataError(
        f"{FIELD} {column!r} has {shown}{more}; allowed are train, validation, test and whole "
        "numbers from 0 for folds",
        reason="SPLIT_VALUE_UNKNOWN",
        field=FIELD,
    )
