"""URIs to import from: each is taken apart once, and every part must be one that is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_LENGTH: Final = 2048


@dataclass(frozen=True)
class ImportRules:
    """The places that an operator allows imports from.

    Attributes:
        root: Folder that files may be imported from; None: no files.
        buckets: Names of buckets that objects may be imported from.
    """

    root: Path | None = None
    buckets: Sequence[str] = ()


NOTHING: Final = ImportRules()


@dataclass(frozen=True)
class FileSource:
    """A file: parts of its path below the root."""

    parts: tuple[str, ...]


@dataclass(frozen=True)
class ObjectSource:
    """An object in an S3 bucket."""

    bucket: str
    key: str


def parse_import_uri(uri: str, rules: ImportRules) -> FileSource | ObjectSource:
    """Return what a URI names, if that is allowed. Nothing is opened.

    Raises:
        InvalidArgument: Reason IMPORT_URI_INVALID or IMPORT_SOURCE_NOT_ALLOWED.
    """
    if len(uri) > _MAX_LENGTH or not uri.isprintable() or "\\" in uri or " " in uri:
        raise _invalid(uri, f"has a space, a backslash, or more than {_MAX_LENGTH} characters")
    scheme, colon, rest = uri.partition("://")
    if scheme not in ("file", "s3") or not colon or "::" in rest or "://" in rest:
        raise _not_allowed(uri, rules)
    try:
        parsed = urlsplit(uri)
    except ValueError as error:
        raise _invalid(uri, "cannot be read") from error
    if parsed.query or parsed.fragment or "@" in parsed.netloc or ":" in parsed.netloc:
        raise _invalid(uri, "has more than a place and a path")
    parts = _parts(uri, unquote(parsed.path))
    if scheme == "s3":
        return _object(uri, parsed.netloc, parts, rules)
    return _file(uri, parsed.netloc, parts, rules)


def _parts(uri: str, path: str) -> tuple[str, ...]:
    parts = tuple(path.removeprefix("/").split("/"))
    if not path.isprintable() or "\\" in path or {"", ".", ".."} & set(parts):
        raise _invalid(uri, "has a path with empty parts, dots or characters that are not allowed")
    return parts


def _file(uri: str, place: str, parts: tuple[str, ...], rules: ImportRules) -> FileSource:
    if place or rules.root is None:
        raise _not_allowed(uri, rules)
    try:
        below = PurePosixPath("/", *parts).relative_to(rules.root)
    except ValueError as error:
        raise _not_allowed(uri, rules) from error
    if not below.parts:
        raise _not_allowed(uri, rules)
    return FileSource(below.parts)


def _object(uri: str, bucket: str, parts: tuple[str, ...], rules: ImportRules) -> ObjectSource:
    if bucket not in rules.buckets:
        raise _not_allowed(uri, rules)
    return ObjectSource(bucket, "/".join(parts))


def _invalid(uri: str, what: str) -> InvalidArgument:
    return InvalidArgument(
        f"uri {uri[:128]!r} {what}; it is file:///folder/file or s3://bucket/key.",
        reason="IMPORT_URI_INVALID",
        field="uri",
    )


def _not_allowed(uri: str, rules: ImportRules) -> InvalidArgument:
    # The root itself is not named: where an operator keeps files is nobody's business.
    places = ["files below the import folder"] if rules.root is not None else []
    places += [f"s3://{bucket}/" for bucket in rules.buckets]
    allowed = ", ".join(places) or "nothing: the operator has named no folder and no bucket"
    return InvalidArgument(
        f"uri {uri[:128]!r} is none that may be imported; allowed: {allowed}.",
        reason="IMPORT_SOURCE_NOT_ALLOWED",
        field="uri",
    )
