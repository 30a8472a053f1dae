"""Writes the calls into docs/rest.md: what each REST path calls, who may, and what it does.

`python -m tools.rest_reference`. Calls stand between two marks; the rest of the page is by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from google.api import annotations_pb2

from omniscope.common.v1 import method_policy_pb2
from tools.proto_files import proto_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor_pb2 import (
        FileDescriptorProto,
        FileDescriptorSet,
        MethodDescriptorProto,
    )

PAGE: Final = Path(__file__).parents[1] / "docs" / "rest.md"
_BEGIN: Final = "<!-- calls: made by `make rest-reference` from the protos -->\n"
_END: Final = "<!-- end of calls -->\n"
# Numbers of fields in descriptor.proto: comments are found by the path of what they stand above.
_SERVICE, _METHOD = 6, 2


def page_with_calls(page: str, image: FileDescriptorSet) -> str:
    """Return the page with its calls as the protos have them."""
    before, _, rest = page.partition(_BEGIN)
    after = rest.partition(_END)[2]
    return "".join((before, _BEGIN, *_sections(image), "\n", _END, after))


def _sections(image: FileDescriptorSet) -> Iterator[str]:
    for file in image.file:
        comments = {tuple(at.path): at.leading_comments for at in file.source_code_info.location}
        for number, service in enumerate(file.service):
            rows = list(_rows(file, number, comments))
            if rows:
                about = _first_sentence(comments[_SERVICE, number])
                yield f"\n## {service.name}\n\n{about}\n\n| call | RPC | role | what |\n"
                yield "|---|---|---|---|\n"
                yield from rows


def _rows(
    file: FileDescriptorProto, number: int, comments: dict[tuple[int, ...], str]
) -> Iterator[str]:
    for place, method in enumerate(file.service[number].method):
        policy = method.options.Extensions[method_policy_pb2.policy]
        if policy.visibility == method_policy_pb2.VISIBILITY_PUBLIC:
            what = _first_sentence(comments[_SERVICE, number, _METHOD, place])
            role = method_policy_pb2.Role.Name(policy.roles[0]).removeprefix("ROLE_").lower()
            time = f" Has {policy.timeout_seconds} s." if policy.timeout_seconds else ""
            yield f"| `{_call(method)}` | {method.name} | {role} | {what}{time} |\n"


def _call(method: MethodDescriptorProto) -> str:
    rule = method.options.Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    assert verb is not None
    return f"{verb.upper()} {getattr(rule, verb)}"


def _first_sentence(comment: str) -> str:
    words = " ".join(comment.split())
    return words.partition(". ")[0].rstrip(".:") + "."


def main() -> None:
    """Write the page anew."""
    PAGE.write_text(page_with_calls(PAGE.read_text(), proto_files()))


if __name__ == "__main__":
    main()
