"""An upload must neither fill the registry's memory nor take its process along."""

import tracemalloc

import pytest

from omniscope_registry.datasets.gated_child import ChildLimits
from omniscope_registry.datasets.ingest import Ingest
from omniscope_registry.datasets.spool import spool
from omniscope_service.errors import ResourceExhausted

_MIB = 1024 * 1024


async def _blocks(count):
    for number in range(count):
        yield number.to_bytes(1, "big") * _MIB


async def test_memory_stays_flat_while_a_file_arrives(tmp_path):
    tracemalloc.start()

    file = await spool(_blocks(64), tmp_path / "source", 64 * _MIB)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert file.size_bytes == (tmp_path / "source").stat().st_size == 64 * _MIB
    assert peak < 16 * _MIB


async def test_a_file_of_exactly_the_cap_is_taken_and_one_byte_more_is_not(tmp_path):
    assert (await spool(_blocks(2), tmp_path / "source", 2 * _MIB)).size_bytes == 2 * _MIB

    with pytest.raises(ResourceExhausted) as caught:
        await spool(_blocks(2), tmp_path / "source", 2 * _MIB - 1)

    assert caught.value.reason == "DATASET_TOO_LARGE"


async def test_a_file_that_takes_too_long_to_read_is_too_large(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"a\n1\n")

    with pytest.raises(ResourceExhausted) as caught:
        await Ingest(ChildLimits(seconds=0)).read(source, "csv", tmp_path)

    assert caught.value.reason == "DATASET_TOO_LARGE"


async def test_a_file_whose_stored_form_is_too_large_is_refused(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"a\n" + b"1.5\n" * 100_000)

    with pytest.raises(ResourceExhausted) as caught:
        await Ingest(ChildLimits(stored_bytes=100_000)).read(source, "csv", tmp_path)

    assert caught.value.reason == "DATASET_TOO_LARGE"
