"""What the installed core offers, read from its files: doors, hooks, and the kits for tests."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import commercekit
from commercekit.cli.quality.syntax import SourceFile, literal_list

__all__ = ["HOOK_KITS", "Hook", "door_of", "hooks", "kit_rules", "offered"]

ROOT: Final = Path(commercekit.__file__).resolve().parent

FURTHER_DOORS: Final = frozenset(
    {
        "commercekit.testing.conformance",
        "commercekit.testing.plugin",
        "commercekit.testing.quality",
        "commercekit.testing.vendors",
    }
)
"""Packages inside of packages that are public all the same."""

HOOK_KITS: Final[Mapping[str, str]] = {
    "register_payment_gateways": "PaymentGatewayContract",
    "register_carriers": "CarrierContract",
    "register_promotion_rules": "PromotionRuleContract",
    "register_tax_providers": "TaxProviderContract",
    "register_notifiers": "NotifierContract",
    "choose_allocation_strategy": "AllocationStrategyContract",
    "register_refund_rules": "RefundRuleContract",
    "register_media_storages": "StorageContract",
    "register_key_vaults": "KeyVaultContract",
}
"""Which kit of :mod:`commercekit.testing.conformance` judges what a hook returns."""


class Hook(NamedTuple):
    """One hook of this core."""

    name: str
    arguments: tuple[str, ...]


@cache
def hooks() -> Mapping[str, Hook]:
    """Every hook of the core, by name."""
    found = {}
    for path in sorted(ROOT.rglob("hookspecs.py")):
        for node in ast.parse(path.read_bytes()).body:
            if isinstance(node, ast.FunctionDef) and any(
                "hookspec" in ast.unparse(decorator) for decorator in node.decorator_list
            ):
                arguments = tuple(argument.arg for argument in node.args.args)
                found[node.name] = Hook(node.name, arguments)
    return found


def door_of(module: str) -> str:
    """The front door that leads to a module of the core."""
    for door in FURTHER_DOORS:
        if module == door or module.startswith(door + "."):
            return door
    parts = module.split(".")
    return ".".join(parts[: 3 if parts[1:2] == ["platform"] else 2])


@cache
def offered(module: str) -> frozenset[str] | None:
    """The names in ``__all__`` of a front door; None where there is no such module."""
    base = ROOT.joinpath(*module.split(".")[1:])
    for path in (base / "__init__.py", base.with_suffix(".py")):
        if path.is_file():
            return literal_list(ast.parse(path.read_bytes()), "__all__") or frozenset()
    return None


@cache
def _kit_classes() -> Mapping[str, ast.ClassDef]:
    found: dict[str, ast.ClassDef] = {}
    for path in sorted((ROOT / "testing/conformance").rglob("*.py")):
        found.update(SourceFile("", path, path.name).classes)
    return found


@cache
def kit_rules(contract: str) -> frozenset[str]:
    """The tests that subclassing a contract collects; empty where this core has no such kit."""
    kind = _kit_classes().get(contract)
    if kind is None:
        return frozenset()
    own = {
        node.name
        for node in kind.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    }
    bases = [base.id for base in kind.bases if isinstance(base, ast.Name)]
    return frozenset(own.union(*(kit_rules(base) for base in bases)))
