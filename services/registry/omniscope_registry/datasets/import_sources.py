"""Reads what is imported, in chunks: files below one folder, objects in a bucket."""

from __future__ import annotations

import asyncio
import os
import stat
from typing import TYPE_CHECKING, Final

from omniscope_registry.datasets.import_uri import FileSource, ObjectSource, parse_import_uri
from omniscope_service.artifacts import ArtifactStore
from omniscope_service.errors import ConfigurationError, InvalidArgument, NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from omniscope_registry.datasets.import_uri import ImportRules

_CHUNK_BYTES: Final = 1024 * 1024


class ImportSources:
    """Opens what an operator has allowed, and nothing else.

    Args:
        rules: What is allowed. Buckets are reached with the registry's own credentials, from the
            usual AWS_* variables.
    """

    def __init__(self, rules: ImportRules) -> None:
        self._rules = rules

    def check(self, uri: str) -> None:
        """Refuse a URI that is not allowed, before anything is opened.

        Raises:
            InvalidArgument: Reason IMPORT_URI_INVALID or IMPORT_SOURCE_NOT_ALLOWED.
        """
        parse_import_uri(uri, self._rules)

    async def chunks(self, uri: str) -> AsyncIterator[bytes]:
        """Yield the bytes of a file or an object.

        Raises:
            InvalidArgument: As `check`; or it is no plain file, reason IMPORT_URI_INVALID.
            NotFound: There is none such; reason IMPORT_SOURCE_NOT_FOUND.
            Unavailable: The store does not answer; reason IMPORT_SOURCE_UNAVAILABLE.
        """
        source = parse_import_uri(uri, self._rules)
        pieces = self._object(source) if isinstance(source, ObjectSource) else self._file(source)
        async for piece in pieces:
            yield piece

    async def _file(self, source: FileSource) -> AsyncIterator[bytes]:
        assert self._rules.root is not None, "without a root no file is allowed"
        descriptor = await asyncio.to_thread(_open_beneath, self._rules.root, source.parts)
        with os.fdopen(descriptor, "rb") as file:
            while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
                yield chunk

    async def _object(self, source: ObjectSource) -> AsyncIterator[bytes]:
        try:
            store = await asyncio.to_thread(ArtifactStore.open, f"s3://{source.bucket}")
            async for chunk in store.stream(source.key, _CHUNK_BYTES):
                yield chunk
        except NotFound as error:
            raise _not_found() from error
        except (Unavailable, ConfigurationError) as error:
            raise Unavailable(
                f"The bucket {source.bucket!r} cannot be read now; its operator's log has the "
                "details.",
                reason="IMPORT_SOURCE_UNAVAILABLE",
            ) from error


def _open_beneath(root: Path, parts: tuple[str, ...]) -> int:
    """Open a plain file below a folder, following no link on the way.

    Part by part, each relative to the one before: a folder that is swapped for a link meanwhile
    leads nowhere.
    """
    folder = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            below = os.open(part, flags, dir_fd=folder)
            os.close(folder)
            folder = below
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return _plain(os.open(parts[-1], flags, dir_fd=folder))
    except OSError as error:
        # A link, a missing part, a part that is no folder, no permission: all look the same.
        raise _not_found() from error
    finally:
        os.close(folder)


def _plain(descriptor: int) -> int:
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise InvalidArgument(
        "uri names something that is no plain file.", reason="IMPORT_URI_INVALID", field="uri"
    )


def _not_found() -> NotFound:
    return NotFound(
        "There is nothing to import at the given uri.",
        reason="IMPORT_SOURCE_NOT_FOUND",
        field="uri",
    )
