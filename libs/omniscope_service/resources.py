"""The container's limits: processors and memory by its control group, not by the machine."""

import math
import os
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")
_MEMORY_OF_MACHINE = Path("/proc/meminfo")


def cpu_count(root: Path = _ROOT, membership: Path = _MEMBERSHIP) -> int:
    """Return how many processors this process may use, at least 1.

    The smaller of its affinity and the quota of every control group above it, rounded up.
    """
    allowed = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    for group in _groups(root, membership, "cpu"):
        quota = _quota(group)
        if quota is not None:
            allowed = min(allowed, quota)
    return max(1, math.ceil(allowed))


def memory_size_bytes(root: Path = _ROOT, membership: Path = _MEMBERSHIP) -> int:
    """Return how much memory there is: the tightest group's limit or what the machine has."""
    machine = int(os.sysconf("SC_PAGE_SIZE")) * int(os.sysconf("SC_PHYS_PAGES"))
    return min([machine, *_group_limits(root, membership)])


def memory_limit_bytes(root: Path = _ROOT, membership: Path = _MEMBERSHIP) -> int:
    """Return how much memory this process may use: the tightest group's limit or what is free.

    What other programs hold on the same machine is not ours to fill.
    """
    return min([_free_memory_bytes(), *_group_limits(root, membership)])


def _group_limits(root: Path, membership: Path) -> list[int]:
    files = (
        group / name
        for group in _groups(root, membership, "memory")
        for name in ("memory.max", "memory.limit_in_bytes")
    )
    return [limit for file in files if (limit := _number(file)) is not None]


def _groups(root: Path, membership: Path, controller: str) -> list[Path]:
    """Return the folders of this process's group and all above it, in either cgroup version."""
    folders = []
    for line in _lines(membership):
        number, controllers, path = line.split(":", 2)
        mount = root if number == "0" else root / controllers
        if number != "0" and controller not in controllers.split(","):
            continue
        folder = mount / path.lstrip("/")
        folders += [folder, *(p for p in folder.parents if p == mount or mount in p.parents)]
    # In a container the group's own folder is often mounted as the root itself.
    return [*folders, root, root / controller]


def _quota(group: Path) -> float | None:
    words = " ".join(_lines(group / "cpu.max")).split()
    if len(words) == 2 and words[0] != "max":
        return int(words[0]) / int(words[1])
    quota, period = _number(group / "cpu.cfs_quota_us"), _number(group / "cpu.cfs_period_us")
    return quota / period if quota and period and quota > 0 else None


def _number(path: Path) -> int | None:
    text = " ".join(_lines(path))
    return int(text) if text.lstrip("-").isdigit() else None


def _free_memory_bytes() -> int:
    for line in _lines(_MEMORY_OF_MACHINE):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return int(os.sysconf("SC_PAGE_SIZE")) * int(os.sysconf("SC_PHYS_PAGES"))


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.is_file() else []
