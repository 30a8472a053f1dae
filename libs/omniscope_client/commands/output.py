"""The shared parts of all commands: options, where they print, and the form of errors."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Annotated, Any

import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console, RenderableType

from omniscope_client.errors import OmniscopeError, RequestError
from omniscope_client.packed import packed_messages
from omniscope_client.render.option_names import in_options

# Wide enough that nothing is folded where a program or a file reads along.
PIPE_WIDTH = 200

Json = Annotated[bool, typer.Option("--json", help="Print JSON, with the API's field names.")]
Limit = Annotated[int, typer.Option(min=1, help="Show at most this many.")]
Filter = Annotated[
    str, typer.Option("--filter", help="For example 'name = \"tissues\"'; AND joins conditions.")
]
Deleted = Annotated[bool, typer.Option("--deleted", help="Deleted ones too.")]


class Exit(IntEnum):
    """Exit codes of `omniscope`; part of its interface."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    JOB_FAILED = 4
    INTERRUPTED = 130


def console(*, stderr: bool = False) -> Console:
    """Return where to print; names of users are never taken for markup."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


def as_dict(message: Message) -> dict[str, Any]:
    """Return a message as the gateway would write it."""
    return MessageToDict(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
        descriptor_pool=packed_messages(),
    )


def print_json(document: Message | Mapping[str, Any], *, indent: int | None = 2) -> None:
    """Print a document; with no `indent` on one line, at once."""
    plain = as_dict(document) if isinstance(document, Message) else document
    sys.stdout.write(json.dumps(plain, indent=indent, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def show(document: Message | Mapping[str, Any], table: RenderableType, as_json: bool) -> None:
    """Print a document for a program, or a table for a person."""
    if as_json:
        print_json(document)
    else:
        console().print(table)


def show_list(
    name: str,
    rows: Sequence[Message],
    table: RenderableType,
    query: str,
    as_json: bool,
    start: str,
) -> None:
    """Print a list; an empty one tells a person which command `start`s it."""
    empty = "None match the filter." if query else f"None yet: {start}."
    show({name: [as_dict(row) for row in rows]}, table if rows else empty, as_json)


def print_error(error: OmniscopeError | OSError, *, as_json: bool) -> Exit:
    """Print an error on one line of stderr and return the exit code that it stands for."""
    if isinstance(error, OSError):
        named = f"{error.filename}: " if error.filename else ""
        error = OmniscopeError("FAILED_PRECONDITION", f"{named}{error.strerror or error}.")
    if as_json:
        fields = {name: getattr(error, name) for name in ("code", "reason", "field", "message")}
        sys.stderr.write(json.dumps({"error": fields}, ensure_ascii=False) + "\n")
    else:
        console(stderr=True).print(f"error: {_with_fix(error)}", soft_wrap=True, style="red")
    if isinstance(error, RequestError):
        return Exit.USAGE
    return Exit.UNREACHABLE if _is_unreachable(error) else Exit.REFUSED


def _is_unreachable(error: OmniscopeError) -> bool:
    return error.code in ("UNAVAILABLE", "UNAUTHENTICATED", "DEADLINE_EXCEEDED") or (
        error.reason == "SUITE_NOT_FOUND"
    )


def _with_fix(error: OmniscopeError) -> str:
    """Return the error with what to do about it, where its own message cannot know that."""
    said = str(error).replace(error.message, in_options(error.message, error.field), 1)
    match error.code, error.reason:
        case "UNAVAILABLE", "":
            return (
                f"{error.message} See `omniscope status`; start a suite with "
                "`omniscope up --detach`, or set OMNISCOPE_ADDRESS."
            )
        case "UNAUTHENTICATED", _:
            return f"{said} Set OMNISCOPE_TOKEN_FILE to the file with this suite's token."
        case "NOT_FOUND", (
            "DATASET_NOT_FOUND" | "MODEL_NOT_FOUND" | "ARTIFACT_NOT_FOUND" | "JOB_NOT_FOUND"
        ) as reason:
            kind = reason.split("_")[0].lower()
            return f"{said} `omniscope {kind}s list` shows what there is."
    return said
