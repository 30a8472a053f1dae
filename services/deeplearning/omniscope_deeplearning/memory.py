"""Errors of a training that finds no more memory, with figures and advice."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from omniscope_deeplearning.spec import TrainSpec
from omniscope_ml.networks.architectures import ARCHITECTURES
from omniscope_service.resources import memory_size_bytes

_GIB = 2**30
# What torch raises as a plain RuntimeError: on a CPU, and in libraries below it on a GPU.
_FULL = re.compile(
    "DefaultCPUAllocator: can't allocate memory"
    "|CUDA error: out of memory"
    "|CUBLAS_STATUS_ALLOC_FAILED"
)
_BYTES = re.compile(r"tried to allocate (\d+) bytes")


class TrainingMemoryError(MemoryError):
    """Memory ran out; says how much there was, and what would need less."""


@contextmanager
def explained_memory_error(spec: TrainSpec) -> Iterator[None]:
    """Turn an error about memory into one with figures and advice.

    Raises:
        TrainingMemoryError: Memory ran out; the job ends as OUT_OF_MEMORY with this message.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, TrainingMemoryError) or not _is_about_memory(error):
            raise
        full_gpu = spec.accelerator == "gpu" and "CUDA" in str(error)
        figures = _of_gpu() if full_gpu else _of_machine(error)
        raise TrainingMemoryError(f"{figures}; {_advice(spec)}") from error


def _is_about_memory(error: MemoryError | RuntimeError) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return _FULL.search(str(error)) is not None


def _of_gpu() -> str:
    free, total = torch.cuda.mem_get_info()
    held = torch.cuda.max_memory_allocated()
    return (
        f"the GPU has {total / _GIB:.1f} GiB, the training held {held / _GIB:.1f} GiB of it at "
        f"most, {free / _GIB:.1f} GiB are free"
    )


def _of_machine(error: Exception) -> str:
    has = f"the worker has {memory_size_bytes() / _GIB:.1f} GiB"
    asked = _BYTES.search(str(error))
    if asked is None:
        return f"{has}: {error}"
    return f"{has}, and {int(asked[1]) / _GIB:.1f} GiB more were asked for at once"


def _advice(spec: TrainSpec) -> str:
    """Name what a request could say instead."""
    name, asked = spec.architecture, spec.training.batch_size
    known = {parameter.name for parameter in ARCHITECTURES[name].parameters}
    than = "the default" if asked is None else asked
    ways = [
        f"a smaller training.batch_size than {than} with more training.accumulation",
        f"a smaller {name}.width",
        *([f"a larger {name}.patch"] if "patch" in known else []),
    ]
    return f"{', '.join(ways)}, or fewer columns by feature_selection.top_k need less."
