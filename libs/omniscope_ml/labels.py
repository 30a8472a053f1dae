"""Classes of a target column: how they are ordered, written and encoded."""

import datetime


def label_text(value: object) -> str:
    """Return a label as it is written on the wire.

    >>> label_text(True), label_text(3), label_text(2.0), label_text("a")
    ('true', '3', '2.0', 'a')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return str(value)
