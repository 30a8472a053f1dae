"""docs/errors.md lists every reason that the code raises, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2]
SOURCES = ("libs", "services")
REASON = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")


def reasons_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "reason":
            yield from (
                str(constant.value)
                for constant in ast.walk(node.value)
                if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
            )


def raised_reasons() -> set[str]:
    files = (path for folder in SOURCES for path in (PROJECT / folder).rglob("*.py"))
    found = (reason for path in files for reason in reasons_in(ast.parse(path.read_text())))
    return {reason for reason in found if REASON.fullmatch(reason)}


def documented_reasons() -> list[str]:
    text = (PROJECT / "docs" / "errors.md").read_text()
    return re.findall(r"^\| `([A-Z0-9_]+)` \|", text, flags=re.MULTILINE)


def test_every_reason_that_is_raised_is_in_the_catalogue():
    assert raised_reasons() - set(documented_reasons()) == set()


def test_the_catalogue_lists_no_reason_twice_and_none_that_nothing_raises():
    documented = documented_reasons()

    assert len(documented) == len(set(documented))
    assert set(documented) - raised_reasons() == set()
