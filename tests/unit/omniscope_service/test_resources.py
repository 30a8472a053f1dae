import os
from pathlib import Path

import pytest

from omniscope_service.resources import cpu_count, memory_limit_bytes, memory_size_bytes

AVAILABLE = len(os.sched_getaffinity(0))


def tree(root: Path, membership: str, files: dict[str, str]) -> tuple[Path, Path]:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "membership").write_text(membership)
    return root, root / "membership"


def test_quota_of_version_2_bounds_the_processors(tmp_path: Path) -> None:
    group = tree(tmp_path, "0::/pod/work\n", {"pod/work/cpu.max": "50000 100000"})

    assert cpu_count(*group) == 1


def test_quota_of_a_group_above_counts_too(tmp_path: Path) -> None:
    files = {"pod/work/cpu.max": "max 100000", "pod/cpu.max": "100000 100000"}

    assert cpu_count(*tree(tmp_path, "0::/pod/work\n", files)) == 1


def test_fraction_of_a_processor_is_rounded_up(tmp_path: Path) -> None:
    group = tree(tmp_path, "0::/\n", {"cpu.max": "110000 100000"})

    assert cpu_count(*group) == min(2, AVAILABLE)


def test_without_a_quota_every_processor_counts(tmp_path: Path) -> None:
    assert cpu_count(*tree(tmp_path, "0::/\n", {"cpu.max": "max 100000"})) == AVAILABLE


def test_quota_of_version_1_bounds_the_processors(tmp_path: Path) -> None:
    files = {
        "cpu,cpuacct/pod/cpu.cfs_quota_us": "100000",
        "cpu,cpuacct/pod/cpu.cfs_period_us": "100000",
    }

    assert cpu_count(*tree(tmp_path, "4:cpu,cpuacct:/pod\n1:name=systemd:/\n", files)) == 1


@pytest.mark.parametrize(
    ("membership", "file"),
    [
        ("0::/pod\n", "pod/memory.max"),
        ("0::/pod/work\n", "pod/memory.max"),
        ("0::/\n", "memory.max"),
        ("7:memory:/pod\n", "memory/pod/memory.limit_in_bytes"),
    ],
)
def test_memory_limit_of_the_group_counts(tmp_path: Path, membership: str, file: str) -> None:
    assert memory_limit_bytes(*tree(tmp_path, membership, {file: "1048576\n"})) == 1_048_576


def test_without_a_limit_memory_is_what_is_free(tmp_path: Path) -> None:
    group = tree(tmp_path, "0::/\n", {"memory.max": "max"})

    assert (
        0 < memory_limit_bytes(*group) <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    )


def test_the_memory_there_is_is_the_groups_or_the_machines(tmp_path: Path) -> None:
    limited = tree(tmp_path / "a", "0::/pod\n", {"pod/memory.max": "1048576"})
    unlimited = tree(tmp_path / "b", "0::/pod\n", {"pod/memory.max": "max"})

    assert memory_size_bytes(*limited) == 1048576
    assert memory_size_bytes(*unlimited) >= memory_limit_bytes(*unlimited)
