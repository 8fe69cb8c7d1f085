"""The page that says which scenario of which other shop is asked where is true, and it is whole."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PAGE = ROOT / "docs/explanation/scenarios.md"
_NAMED = re.compile(r"`([\w/.-]+\.py)::(test_\w+)`")


@cache
def _tests(file: Path) -> frozenset[str]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, functions))
    return frozenset(node.name for node in found if node.name.startswith("test_"))


def _named() -> set[tuple[Path, str]]:
    found = _NAMED.findall(PAGE.read_text(encoding="utf-8"))
    return {((ROOT if "/" in file else HERE) / file, name) for file, name in found}


def test_every_test_that_the_page_names_exists() -> None:
    missing = [
        f"{file.relative_to(ROOT)}::{name}"
        for file, name in sorted(_named())
        if not file.exists() or name not in _tests(file)
    ]
    assert missing == []


def test_every_scenario_stands_on_the_page() -> None:
    mine = {(file, name) for file in HERE.glob("test_*.py") for name in _tests(file)}
    mine -= {(Path(__file__).resolve(), name) for name in _tests(Path(__file__).resolve())}
    assert sorted(name for _, name in mine - _named()) == []


def test_every_row_says_where_it_is_asked_or_why_not() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    empty = [
        row
        for row in rows
        if row != "| Theirs | Ours |" and not (_NAMED.search(row) or "../decisions/" in row)
    ]
    assert empty == []
