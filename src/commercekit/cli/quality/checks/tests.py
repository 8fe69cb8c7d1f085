"""The plugin's own tests: that they are there, and that the kit of each of its kinds is among them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from commercekit.cli.quality.core import HOOK_KITS, kit_rules
from commercekit.cli.quality.folder import PluginFolder
from commercekit.cli.quality.syntax import SourceFile, dotted, names_in

__all__ = ["Kit", "has_tests", "keeps_the_contract", "kits", "properties", "vendor_fake"]


_FAKES: Final = frozenset({"aioresponses", "moto", "pytest_httpserver", "pytest_httpx", "respx"})
"""Packages that stand in for a vendor in the tests' own process."""


@dataclass(frozen=True)
class Kit:
    """A class of tests that subclasses a kit."""

    contract: str
    file: SourceFile
    node: ast.ClassDef


def has_tests(plugin: PluginFolder) -> Iterator[str]:
    """There are tests, and none is set aside."""
    found = False
    for file in plugin.tests:
        if not file.path.name.startswith("test_"):
            continue
        for node in ast.walk(file.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found = found or node.name.startswith("test_")
            if dotted(node) in {"pytest.mark.skip", "pytest.mark.xfail"}:
                yield f"{file.at(node)}: a test is set aside with {dotted(node)}"
    if not found and not list(kits(plugin)):
        yield "tests/ has no test"


def kits(plugin: PluginFolder) -> Iterator[Kit]:
    """Every class of the tests that pytest collects and that subclasses a kit."""
    parents: dict[str, list[str]] = {
        node.name: [dotted(base).rpartition(".")[2] for base in node.bases]
        for file in plugin.tests
        for node in file.classes.values()
    }
    for file in plugin.tests:
        for node in file.classes.values():
            if file.path.name.startswith("test_") and node.name.startswith("Test"):
                for contract in sorted(_ancestors(node.name, parents)):
                    if kit_rules(contract):
                        yield Kit(contract, file, node)


def _ancestors(name: str, parents: Mapping[str, list[str]]) -> set[str]:
    found: set[str] = set()
    pending = list(parents.get(name, ()))
    while pending:
        one = pending.pop()
        if one not in found:
            found.add(one)
            pending += parents.get(one, ())
    return found


def keeps_the_contract(plugin: PluginFolder) -> Iterator[str]:
    """The kit of each kind is subclassed, and no rule of it is replaced."""
    there = list(kits(plugin))
    for hook, contract in HOOK_KITS.items():
        if hook not in plugin.hooks or not kit_rules(contract):
            continue
        if not any(kit.contract == contract for kit in there):
            yield f"it fills {hook}, and no test class subclasses {contract}"
    for kit in there:
        for node in kit.node.body:
            name = getattr(node, "name", None) or next(
                (dotted(target) for target in getattr(node, "targets", ())), ""
            )
            if name in kit_rules(kit.contract):
                yield f"{kit.file.at(node)}: {kit.node.name} replaces {name} of {kit.contract}"
        marks = [*kit.node.decorator_list, *_marks(kit.node)]
        if any({"skip", "skipif", "xfail"} & names_in(mark) for mark in marks):
            yield f"{kit.file.at(kit.node)}: {kit.node.name} is set aside"


def _marks(kind: ast.ClassDef) -> Iterator[ast.expr]:
    for node in kind.body:
        if isinstance(node, ast.Assign) and any(dotted(t) == "pytestmark" for t in node.targets):
            yield node.value


def vendor_fake(plugin: PluginFolder) -> Iterator[str]:
    """The tests speak to a fake of the vendor that runs in their own process."""
    for file in plugin.tests:
        if {taken.module.split(".")[0] for taken in file.imports} & _FAKES:
            return
        for node in ast.walk(file.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                is_fixture = any("fixture" in names_in(one) for one in node.decorator_list)
                if is_fixture and node.name in {"fake", "vendor"}:
                    return
            if isinstance(node, ast.ClassDef) and node.name.lower().startswith("fake"):
                return
    yield "no fixture called fake or vendor, and no class Fake…, stands for the vendor in the tests"


def properties(plugin: PluginFolder) -> Iterator[str]:
    """Rules that hold for every input are tested with made-up inputs."""
    for file in plugin.tests:
        if any(taken.module.split(".")[0] == "hypothesis" for taken in file.imports):
            return
    yield "no test uses hypothesis"
