"""Replaces functions of AutoGluon for a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(owner: Any, name: str, function: Any) -> Iterator[None]:
    """Replace a function of a class or module; afterwards the one before is there again."""
    before = vars(owner)[name]
    setattr(owner, name, function)
    try:
        yield
    finally:
        setattr(owner, name, before)
