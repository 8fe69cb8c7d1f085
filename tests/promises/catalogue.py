"""The promises, in both languages, and where their tests stand; read without running anything."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, TypedDict

__all__ = ["CATALOGUE", "LATEST", "Promise", "catalogue", "marked_tests"]

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
CATALOGUE: Final = HERE / "catalogue.toml"
LATEST: Final = HERE / "latest.json"


class Promise(TypedDict):
    """One row of the page."""

    part: str
    en: str
    zh: str
    tried_en: str
    tried_zh: str


@cache
def catalogue() -> dict[str, Promise]:
    """Every promise by its number."""
    found: dict[str, Promise] = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))
    return found


@cache
def marked_tests() -> dict[str, list[str]]:
    """For each promise the tests that are marked with it, as pytest names them without parameters."""
    found: dict[str, list[str]] = defaultdict(list)
    folders = [ROOT / "tests", *(ROOT / "plugins").glob("*/tests"), ROOT / "examples"]
    for folder in folders:
        for file in sorted(folder.rglob("test_*.py")):
            text = file.read_text(encoding="utf-8")
            if "mark.promise" in text:
                for promise, name in _marked(ast.parse(text)):
                    found[promise].append(f"{file.relative_to(ROOT)}::{name}")
    return dict(found)


def _marked(tree: ast.Module) -> Iterator[tuple[str, str]]:
    everywhere: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            everywhere = _promises(node.value)
    yield from _below(tree.body, "", everywhere)


def _below(body: list[ast.stmt], path: str, around: list[str]) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            inner = [*around, *(p for mark in node.decorator_list for p in _promises(mark))]
            yield from _below(node.body, f"{path}{node.name}::", inner)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
            "test_"
        ):
            own = [p for mark in node.decorator_list for p in _promises(mark)]
            for promise in dict.fromkeys([*around, *own]):
                yield promise, f"{path}{node.name}"


def _promises(mark: ast.expr) -> list[str]:
    """The promises that an expression names: ``pytest.mark.promise("R1", "R2")``, in a list or not."""
    return [
        found
        for node in ast.walk(mark)
        if isinstance(node, ast.Call) and re.search(r"\bmark\.promise$", ast.unparse(node.func))
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(found := argument.value, str)
    ]
