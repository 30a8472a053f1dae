"""Makes a curve of many points one of few, with the same shape and the same area under it."""

import numpy as np
import numpy.typing as npt

Line = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


def thin(x: Line, y: Line, *, most: int) -> Places:
    """Choose the points of a curve that stand for all of them.

    The curve is cut into stretches of equal length. Each keeps its ends, and of the points between
    them the one that best makes up for the area that the stretches so far have gained or lost.

    Args:
        x: Rising, shape (points,).
        y: Shape (points,).
        most: Number of points to keep at most; 3 or more.

    Returns:
        Places of the kept points, rising, first and last among them.
    """
    if len(x) <= most:
        return np.arange(len(x))
    kept, gained = [0], 0.0
    for start, end in _stretches(x, y, (most - 1) // 2):
        corners = np.arange(start, end)
        areas = _area(x, y, start, corners) + _area(x, y, corners, end)
        errors = gained + areas - _area(x, y, corners, corners + 1).sum()
        best = int(np.argmin(np.abs(errors)))
        gained = float(errors[best])
        kept += [start + best, end]
    return np.unique(kept)


def _stretches(x: Line, y: Line, count: int) -> list[tuple[int, int]]:
    length = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    marks = np.linspace(0.0, length[-1], count + 1)
    ends = np.unique([0, *np.searchsorted(length, marks[1:-1]), len(x) - 1])
    return list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))


def _area(x: Line, y: Line, start: Places | int, end: Places | int) -> Line:
    """Return the area under straight lines from some points to others."""
    return np.asarray((y[start] + y[end]) / 2 * (x[end] - x[start]))
