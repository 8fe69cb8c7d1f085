"""How a rule of a conformance kit says that it was kept, or not asked and why."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar, cast

import pytest

from commercekit.testing.conformance.contract import RuleBroken

__all__ = ["NotAsked", "Rule", "Verdicts", "rule_of"]

Test = TypeVar("Test", bound=Callable[..., Awaitable[None]])


class NotAsked(Exception):
    """The rule is about something that is not there to be asked; says what is missing."""


class Verdicts(Protocol):
    """What a test needs to have a verdict written down."""

    def lacks(self, needs: tuple[str, ...]) -> str:
        """Why a rule that needs all of ``needs`` cannot be asked; empty when it can."""
        ...

    def note(self, rule: str, verdict: str) -> None:
        """Write down how a rule fared."""
        ...


class Rule(Protocol):
    """``@rule("books-once", needs=("create",))`` before a test."""

    def __call__(self, name: str, *, needs: tuple[str, ...] = ()) -> Callable[[Test], Test]:
        """The test belongs to the rule ``name``."""
        ...


def rule_of(rules: Mapping[str, str], error: type[Exception]) -> Rule:
    """A decorator for the tests of one kit: ``@rule("books-once", needs=("create",))``.

    The test is called with what keeps the verdicts (see :class:`Verdicts`). When something it needs is
    missing it is not run: it passes, and its report says ``not asked`` and why, which the summary of
    the run repeats, so that nobody takes it for a rule that was kept. ``error`` is what a provider may
    raise: where the test did not expect it, the rule is broken.
    """

    def rule(name: str, *, needs: tuple[str, ...] = ()) -> Callable[[Test], Test]:
        def decorate(test: Test) -> Test:
            @functools.wraps(test)
            async def asked(self: Any, trial: Verdicts) -> None:
                missing = trial.lacks(needs)
                if missing:
                    trial.note(name, f"not asked: {missing}")
                    return
                try:
                    await test(self, trial)
                except NotAsked as nothing:
                    trial.note(name, f"not asked: {nothing}")
                    return
                except error as refusal:
                    detail = f"a call ended with {type(refusal).__name__}: {refusal}"
                    raise RuleBroken(name, rules[name], detail) from refusal
                trial.note(name, "kept")

            asked.rule = name  # type: ignore[attr-defined]  # for who lists the rules of a kit
            return cast("Test", pytest.mark.asyncio(asked))

        return decorate

    return rule
