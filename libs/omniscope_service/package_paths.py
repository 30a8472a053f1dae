"""The paths that files of a package may have, for whoever registers one and whoever fetches it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

MANIFEST: Final = "manifest.json"
"""Lists all other files of a package, by path."""
SIGNATURE: Final = "manifest.sig"
"""The registry's signature over the manifest's bytes: Ed25519, 64 bytes."""
PUBLIC_KEY: Final = "registry.pub"
"""The key to verify it with, as PEM."""
UNLISTED: Final = frozenset({MANIFEST, SIGNATURE, PUBLIC_KEY})
"""Files of a package that its manifest does not list."""


def first_invalid(paths: Collection[str]) -> str | None:
    """Return the first listed path that a package cannot have, None when it can have them all.

    Such a path leads out of the package, replaces a file of the registry, or goes through another
    file.
    """
    files = UNLISTED.union(paths)
    return next(
        (
            path
            for path in paths
            if path in UNLISTED
            or not _is_inside(path)
            or not files.isdisjoint(map(str, PurePosixPath(path).parents))
        ),
        None,
    )


def _is_inside(path: str) -> bool:
    parts = path.split("/")
    return all(parts) and not {".", ".."} & {*parts} and "\\" not in path and path.isprintable()
