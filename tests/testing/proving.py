"""Proving a conformance kit: which of its rules a provider breaks, told by the kit itself.

The kit's tests are run in this process, one after the other, each with the fixtures it asks for: those that
are given (a class is made anew for each test, as a fixture would), and those that the contract makes out of
them. Whatever a test raises besides ``RuleBroken`` is a
fault of the kit, and comes out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from commercekit.testing.conformance import Contract, RuleBroken

__all__ = ["broken_rules", "faults", "rules_without_a_test"]


async def faults(contract: Contract, **given: Any) -> dict[str, str]:
    """Every rule that is broken, with the first message that said so."""
    found: dict[str, str] = {}
    for name, test in its_tests(contract):
        fixtures = {
            each: made() if isinstance(made, type) else made for each, made in given.items()
        }
        asked = {each: _fixture(contract, each, fixtures) for each in _parameters(test)}
        try:
            outcome = test(**asked)
            if inspect.isawaitable(outcome):
                await outcome
        except RuleBroken as broken:
            found.setdefault(broken.rule, f"{name}: {broken}")
    return found


async def broken_rules(contract: Contract, **given: Any) -> set[str]:
    """The names of the rules that the provider among ``given`` breaks."""
    return set(await faults(contract, **given))


def its_tests(contract: Contract) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The tests of a contract, by name."""
    for name, test in inspect.getmembers(contract, callable):
        if name.startswith("test_"):
            yield name, test


def rules_without_a_test(contract: Contract, rules: Mapping[str, str]) -> list[str]:
    """The rules that no test of the contract says it is for."""
    told = " ".join(test.__doc__ or "" for _, test in its_tests(contract))
    return [rule for rule in rules if f"``{rule}``" not in told]


def _fixture(contract: Contract, name: str, known: dict[str, Any]) -> Any:
    """What a test asks for: given, or made by a fixture of the contract out of what is."""
    if name not in known:
        made = inspect.getattr_static(contract, name)._get_wrapped_function()
        asked = {each: _fixture(contract, each, known) for each in _parameters(made)[1:]}
        known[name] = made(contract, **asked)
    return known[name]


def _parameters(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)
