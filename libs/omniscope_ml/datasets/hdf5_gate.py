"""Walks through an HDF5 file before anything reads its data, and refuses what could do harm.

HDF5 files can name other files that the library then reads (external storage, external links,
virtual datasets), load filters from shared libraries, and declare terabytes in two kilobytes.
Everything here reads metadata only.
"""

import math
import os
import posixpath
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from omniscope_ml.datasets.gate import MAX_UNPACKED_BYTES
from omniscope_ml.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import h5py
    import numpy as np

MAX_OBJECTS = 100_000
MAX_RATIO = 200
# Below this a dataset does no harm, whatever its ratio.
FREE_BYTES = 16 * 2**20

_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32_000: "lzf"}


@contextmanager
def open_hdf5(source: Path) -> "Iterator[h5py.File]":
    """Open a file whose every object has been checked.

    Raises:
        DataError: DATASET_UNSAFE when it points outside itself or needs unknown filters or types;
            DATASET_TOO_LARGE when it declares far more than it stores; DATASET_MALFORMED when it
            cannot be read at all.
    """
    # Read once, when the library starts: no filter is ever loaded from a shared library.
    os.environ["HDF5_PLUGIN_PRELOAD"] = "::"
    import h5py

    try:
        with h5py.File(source, "r", locking=False) as file:
            _check(file)
            yield file
    except (DataError, MemoryError):
        raise
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        # What h5py raises for damaged files; its words quote the library's stack.
        raise DataError(
            "the file cannot be read as HDF5: it is damaged or cut short",
            reason="DATASET_MALFORMED",
            field="data",
        ) from error


def _check(file: "h5py.File") -> None:
    import h5py

    declared_bytes = 0
    objects = dict(_objects(file))
    for path, found in objects.items():
        if isinstance(found, h5py.Dataset):
            declared_bytes += _check_dataset(path, found)
    if declared_bytes > MAX_UNPACKED_BYTES:
        raise _bomb(f"the file declares {declared_bytes} bytes; at most {MAX_UNPACKED_BYTES}")
    _check_soft_links(objects)


def _objects(file: "h5py.File") -> "Iterator[tuple[str, h5py.HLObject]]":
    """Yield every object once, with the first path that leads to it."""
    seen = {_address(file)}
    waiting: list[tuple[str, h5py.HLObject]] = [("/", file)]
    while waiting:
        path, found = waiting.pop()
        yield path, found
        for member, name in _members(path, found):
            address = _address(member)
            if address not in seen:
                seen.add(address)
                waiting.append((posixpath.join(path, name), member))
        if len(seen) > MAX_OBJECTS:
            raise _unsafe(f"the file has more than {MAX_OBJECTS} objects")


def _members(path: str, group: "h5py.HLObject") -> "Iterator[tuple[h5py.HLObject, str]]":
    import h5py

    if not isinstance(group, h5py.Group):
        return
    for name in group:
        if not isinstance(name, str):  # h5py leaves bytes that are no UTF-8 as they are.
            raise _unsafe(f"{path!r} has a member whose name is not UTF-8")
        kind = group.id.links.get_info(name.encode()).type
        if kind == h5py.h5l.TYPE_HARD:
            yield group[name], name
        elif kind != h5py.h5l.TYPE_SOFT:
            raise _unsafe(f"{posixpath.join(path, name)!r} is a link into another file")


def _check_soft_links(objects: "dict[str, h5py.HLObject]") -> None:
    import h5py

    for path, group in objects.items():
        if not isinstance(group, h5py.Group):
            continue
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.SoftLink):
                continue
            target = posixpath.normpath(posixpath.join(path, link.path))
            if target not in objects:
                raise _unsafe(
                    f"{posixpath.join(path, name)!r} is a link to {link.path!r}, which is not in "
                    "the file"
                )


def _check_dataset(path: str, dataset: "h5py.Dataset") -> int:
    """Return the bytes that a dataset declares."""
    import h5py

    created = dataset.id.get_create_plist()
    if created.get_external_count():
        raise _unsafe(f"{path!r} keeps its values in another file")
    if created.get_layout() == h5py.h5d.VIRTUAL:
        raise _unsafe(f"{path!r} is a virtual dataset, made of other files")
    for number in range(created.get_nfilters()):
        code = created.get_filter(number)[0]
        if code not in _FILTERS:
            allowed = ", ".join(_FILTERS.values())
            raise _unsafe(f"{path!r} is stored with filter {code}; allowed are {allowed}")
    _check_type(path, dataset.dtype)
    return _declared_bytes(path, dataset)


def _check_type(path: str, kind: "np.dtype[np.generic]") -> None:
    import h5py

    if kind.fields is not None:
        for name, field in kind.fields.items():
            _check_type(f"{path}.{name}", field[0])
        return
    if kind.subdtype is not None:
        _check_type(path, kind.subdtype[0])
        return
    if kind.kind in "biufcS" or h5py.check_string_dtype(kind) is not None:
        return
    raise _unsafe(f"{path!r} holds objects of type {kind}; allowed are numbers, booleans and text")


def _declared_bytes(path: str, dataset: "h5py.Dataset") -> int:
    stored = dataset.id.get_storage_size()
    item = dataset.id.get_type().get_size()
    declared: int = max(
        math.prod(dataset.shape or (0,)) * item,
        # One chunk is read whole, also where the dataset is smaller.
        math.prod(dataset.chunks or (0,)) * item,
    )
    if declared > max(FREE_BYTES, MAX_RATIO * stored):
        raise _bomb(
            f"{path!r} declares {declared} bytes but stores {stored}; at most {MAX_RATIO} times"
        )
    return declared


def _address(found: "h5py.HLObject") -> int:
    import h5py

    address: int = h5py.h5o.get_info(found.id).addr
    return address


def _unsafe(why: str) -> DataError:
    return DataError(f"the file is not safe to read: {why}", reason="DATASET_UNSAFE", field="data")


def _bomb(why: str) -> DataError:
    return DataError(f"{why} are allowed", reason="DATASET_TOO_LARGE", field="data")
