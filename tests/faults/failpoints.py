"""Every failpoint that stands in the code, found by reading it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def in_the_code() -> dict[str, str]:
    """A pattern for the names of each call of ``failpoint``, and where it stands."""
    found: dict[str, str] = {}
    for folder in (ROOT / "src", *(ROOT / "plugins").glob("*/src")):
        for file in sorted(folder.rglob("*.py")):
            for name, line in _calls(file.read_text(encoding="utf-8")):
                found[name] = f"{file.relative_to(ROOT)}:{line}"
    return found


def staged() -> frozenset[str]:
    """The names at which some test of one domain lets it fail, quoted in a file about failpoints."""
    found: set[str] = set()
    for file in (ROOT / "tests").rglob("test_*.py"):
        if file.parent.name == "e2e":
            continue
        text = file.read_text(encoding="utf-8")
        if "failpoint" in text:
            found.update(re.findall(r'"([a-z]+\.[a-z-]+)"', text))
    return frozenset(found)


def _calls(text: str) -> Iterator[tuple[str, int]]:
    if "failpoint(" not in text:
        return
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        if called == "failpoint":
            yield _pattern(node.args[0]), node.lineno


def _pattern(name: ast.expr) -> str:
    if isinstance(name, ast.Constant):
        return re.escape(str(name.value))
    assert isinstance(name, ast.JoinedStr), "a failpoint is named by a literal"
    return "".join(
        re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[a-z-]+"
        for part in name.values
    )
