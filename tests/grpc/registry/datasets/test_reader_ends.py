"""What becomes of a reader that never ends, or that a damaged file makes crash.

Python's own `timeit` and `cProfile` stand for the reader here: they run what they are given.
"""

import pytest

from omniscope_registry.datasets.gated_child import ChildLimits, run_gated
from omniscope_service.errors import InvalidArgument, ResourceExhausted

_MIB = 1024 * 1024


def test_large_files_get_more_time_and_memory_within_bounds():
    limits = ChildLimits(memory_bytes=100, memory_per_byte=2, seconds=10, seconds_per_mib=3)

    assert limits.of(1000) == (2100, 10)
    assert limits.of(4 * _MIB) == (100 + 8 * _MIB, 22)
    assert limits.of(10**10)[1] == limits.max_seconds


async def test_a_reader_that_never_ends_is_ended(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"a\n1\n")
    endless = ["-n", str(10**15), "pass"]

    with pytest.raises(ResourceExhausted) as caught:
        await run_gated("timeit", source, endless, tmp_path, ChildLimits(seconds=2))

    assert caught.value.reason == "DATASET_TOO_LARGE"


async def test_a_reader_that_needs_more_memory_than_it_may_have_is_ended(tmp_path):
    source = tmp_path / "source.py"
    source.write_text("bytes(2**40)")

    with pytest.raises(ResourceExhausted) as caught:
        await run_gated("cProfile", source, [str(source)], tmp_path, ChildLimits())

    assert caught.value.reason == "DATASET_TOO_LARGE"


async def test_a_reader_that_crashes_is_a_damaged_file(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"a\n1\n")
    crash = ["-n", "1", "import ctypes; ctypes.string_at(0)"]

    with pytest.raises(InvalidArgument, match="SIGSEGV") as caught:
        await run_gated("timeit", source, crash, tmp_path, ChildLimits())

    assert caught.value.reason == "DATASET_MALFORMED"
