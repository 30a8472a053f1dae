"""docs/errors.md lists every reason that the code raises, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2]
SOURCES = ("libs", "services", "gateway")
REASON = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")


def syntax_trees() -> Iterator[ast.AST]:
    for folder in SOURCES:
        for path in (PROJECT / folder).rglob("*.py"):
            yield ast.parse(path.read_text())


def words_in(tree: ast.AST) -> set[str]:
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {text for text in constants if isinstance(text, str) and REASON.fullmatch(text)}


def values_named_reason(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "reason":
            yield node.value
        elif isinstance(node, ast.Dict):
            named = zip(node.keys, node.values, strict=True)
            yield from (v for k, v in named if isinstance(k, ast.Constant) and k.value == "reason")


def raised_reasons() -> set[str]:
    values = (value for tree in syntax_trees() for value in values_named_reason(tree))
    return set().union(*(words_in(value) for value in values))


def documented_reasons() -> list[str]:
    text = (PROJECT / "docs" / "errors.md").read_text()
    return re.findall(r"^\| `([A-Z0-9_]+)` \|", text, flags=re.MULTILINE)


def test_every_reason_that_is_raised_is_in_the_catalogue():
    assert raised_reasons() - set(documented_reasons()) == set()


def test_the_catalogue_lists_no_reason_twice_and_none_that_the_code_does_not_know():
    documented = documented_reasons()
    known = set().union(*(words_in(tree) for tree in syntax_trees()))

    assert len(documented) == len(set(documented))
    assert set(documented) - known == set()
