"""The source as the rules see it: modules, what they import, and what front doors offer."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

DOMAINS = frozenset(
    {
        "analytics", "catalog", "checkout", "crm", "customers", "fulfilment", "identity",
        "inventory", "marketing", "markets", "membership", "notifications", "orders", "payments",
        "pricing", "procurement", "promotions", "storefront", "support",
    }
)  # fmt: skip
COMPOSITION = frozenset({"app", "web", "cli", "testing"})
"""Where the house is put together: these may look into rooms that exist to be wired."""


@dataclass(frozen=True)
class Import:
    """One name that one module takes from another; ``name`` is empty for ``import module``."""

    module: str
    name: str
    line: int
    typing_only: bool = False

    @property
    def full(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module


@dataclass(frozen=True)
class Module:
    """One file, by its dotted name, with its text and its syntax tree."""

    name: str
    text: str
    path: str = "example.py"
    is_package: bool = False
    tree: ast.Module = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tree", ast.parse(self.text))

    @property
    def parts(self) -> list[str]:
        return self.name.split(".")

    @property
    def area(self) -> str:
        """The package under ``commercekit`` it belongs to, or a plugin's own package."""
        if self.parts[0] != "commercekit":
            return self.parts[0]
        return self.parts[1] if len(self.parts) > 1 else ""

    @property
    def is_plugin(self) -> bool:
        return self.parts[0] != "commercekit"

    @property
    def in_domain(self) -> bool:
        return not self.is_plugin and self.area in DOMAINS

    @property
    def room(self) -> str:
        """``orders.service.place_order`` is in the room ``service``; a front door has none."""
        return self.parts[2] if len(self.parts) > 2 else ""

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(self._imports())

    def _imports(self) -> Iterator[Import]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(alias.name, "", node.lineno)
            elif isinstance(node, ast.ImportFrom):
                module = self._absolute(node)
                for alias in node.names:
                    yield Import(module, alias.name, node.lineno)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.parts if self.is_package else self.parts[:-1]
        base = package[: len(package) - node.level + 1]
        return ".".join([*base, node.module] if node.module else base)

    def at(self, line: int) -> str:
        return f"{self.path}:{line}"


def read(path: Path, base: Path) -> Module:
    """The module at ``path``, named from ``base``, the folder that is on Python's path."""
    parts = list(path.relative_to(base).with_suffix("").parts)
    is_package = parts[-1] == "__init__"
    if is_package:
        parts.pop()
    return Module(
        name=".".join(parts),
        text=path.read_text(encoding="utf-8"),
        path=str(path.relative_to(ROOT)),
        is_package=is_package,
    )


@cache
def core() -> tuple[Module, ...]:
    """Every module of the core."""
    base = ROOT / "src"
    return tuple(read(path, base) for path in sorted(base.rglob("*.py")))


@cache
def plugins() -> tuple[Module, ...]:
    """Every module of every plugin in this repository, tests aside."""
    found = []
    for base in sorted(ROOT.glob("plugins/*/src")):
        found += [read(path, base) for path in sorted(base.rglob("*.py"))]
    return tuple(found)


@cache
def modules() -> dict[str, Module]:
    """Core and plugins by dotted name."""
    return {module.name: module for module in (*core(), *plugins())}


def offered(module: Module) -> frozenset[str] | None:
    """The names in ``__all__``, or nothing where there is none."""
    for node in module.tree.body:
        targets: list[ast.expr] = []
        value: ast.expr | None = None
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign):
            targets, value = [node.target], node.value
        if any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets) and isinstance(
            value, ast.List | ast.Tuple
        ):
            return frozenset(
                element.value
                for element in value.elts
                if isinstance(element, ast.Constant) and isinstance(element.value, str)
            )
    return None


def none_of(violations: Iterable[str]) -> bool:
    """True without violations; otherwise the test fails with one on each line."""
    found = list(violations)
    if found:
        pytest.fail("\n".join(found), pytrace=False)
    return True
