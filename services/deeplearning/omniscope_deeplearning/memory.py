"""Ends a training that a GPU has no room for with figures and advice."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from omniscope_deeplearning.spec import TrainSpec

if TYPE_CHECKING:
    from omniscope_service.jobs.report import Report

_GIB = 2**30


@contextmanager
def device_memory_told(spec: TrainSpec, report: "Report") -> Iterator[None]:
    """Say how much memory there was, and what would need less.

    Raises:
        MemoryError: The device's memory ran out; the job ends as OUT_OF_MEMORY.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        message = _advice(spec)
        report.log(message, "error")
        raise MemoryError(message) from error


def _advice(spec: TrainSpec) -> str:
    figures = ""
    if spec.accelerator == "gpu" and torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        held = torch.cuda.max_memory_allocated()
        figures = (
            f" of {total / _GIB:.1f} GiB; the training held {held / _GIB:.1f} GiB at most, "
            f"{free / _GIB:.1f} GiB are free"
        )
    asked = spec.training.batch_size
    return (
        f"The memory of the GPU ran out{figures}. A smaller training.batch_size"
        f"{f' than {asked}' if asked else ''} with training.accumulation, a smaller "
        "parameters.width, or a larger parameters.patch need less."
    )
