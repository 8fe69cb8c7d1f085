"""Python as the rules read it: files, imports, calls and classes, without importing anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

__all__ = ["Import", "SourceFile", "calls", "dotted", "fields_of", "literal_list", "names_in"]


class Import(NamedTuple):
    """One name taken from a module; ``name`` is empty for ``import module``."""

    module: str
    name: str
    line: int


@dataclass(frozen=True)
class SourceFile:
    """One Python file by its dotted name, with its syntax tree."""

    name: str
    path: Path
    shown: str
    """The path as messages name it."""
    is_package: bool = False
    tree: ast.Module = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tree", ast.parse(self.path.read_bytes()))

    def at(self, node: ast.AST | int) -> str:
        """Where something stands: ``src/acme/gateway.py:12``."""
        line = node if isinstance(node, int) else getattr(node, "lineno", 1)
        return f"{self.shown}:{line}"

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """Every import, relative ones made absolute."""
        return tuple(self._imports())

    def _imports(self) -> Iterator[Import]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(alias.name, "", node.lineno)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield Import(self._absolute(node), alias.name, node.lineno)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        package = parts if self.is_package else parts[:-1]
        base = package[: len(package) - node.level + 1]
        return ".".join([*base, node.module] if node.module else base)

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes at the top of the file."""
        return {node.name: node for node in self.tree.body if isinstance(node, ast.ClassDef)}

    @cached_property
    def constants(self) -> dict[str, str]:
        """Names at the top of the file that stand for a text."""
        found = {}
        for node in self.tree.body:
            target = None
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                target = node.targets[0]
            elif isinstance(node, ast.AnnAssign):
                target = node.target
            value = getattr(node, "value", None)
            text = value.value if isinstance(value, ast.Constant) else None
            if isinstance(target, ast.Name) and isinstance(text, str):
                found[target.id] = text
        return found


def dotted(node: ast.AST) -> str:
    """``time.sleep`` of the expression that says so; empty for anything computed."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else f".{node.attr}"
    return ""


def calls(tree: ast.AST, *, nested: bool = True) -> Iterator[ast.Call]:
    """Every call below; without ``nested`` not those in functions that are defined inside."""
    pending = list(ast.iter_child_nodes(tree))
    while pending:
        node = pending.pop(0)
        inner = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if inner and not nested:
            continue
        if isinstance(node, ast.Call):
            yield node
        pending[:0] = ast.iter_child_nodes(node)


def names_in(node: ast.AST) -> set[str]:
    """Every name and attribute below; quoted annotations are read too."""
    found = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            found.add(inner.id)
        elif isinstance(inner, ast.Attribute):
            found.add(inner.attr)
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            try:
                quoted = ast.parse(inner.value, mode="eval")
            except SyntaxError:
                continue
            if not isinstance(quoted.body, ast.Constant):
                found |= names_in(quoted)
    return found


def fields_of(kind: ast.ClassDef) -> Iterator[ast.AnnAssign]:
    """The annotated fields of a Struct; class variables are none."""
    for node in kind.body:
        if isinstance(node, ast.AnnAssign) and "ClassVar" not in names_in(node.annotation):
            yield node


def literal_list(tree: ast.Module, name: str) -> frozenset[str] | None:
    """What a list of texts such as ``__all__`` holds; None where there is none."""
    for node in tree.body:
        target = value = None
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
        elif isinstance(node, ast.AnnAssign):
            target, value = node.target, node.value
        named = isinstance(target, ast.Name) and target.id == name
        if named and isinstance(value, ast.List | ast.Tuple):
            return frozenset(
                element.value
                for element in value.elts
                if isinstance(element, ast.Constant) and isinstance(element.value, str)
            )
    return None
