"""How a rule is held to, and how it names itself when it does not hold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar

import pytest

from commercekit.errors import CommerceKitError
from commercekit.platform.providers import ProviderError
from commercekit.testing import VERDICT_PROPERTY

__all__ = ["Contract", "RuleBroken", "unspoken"]

T = TypeVar("T")

_LONGEST_DETAIL = 2_000
_LANGUAGES = ("en", "zh")


class RuleBroken(AssertionError):
    """A provider does not keep a rule of its contract: which, why it is one, and what was seen."""

    def __init__(self, rule: str, reason: str, detail: str) -> None:
        seen = detail if len(detail) <= _LONGEST_DETAIL else f"{detail[:_LONGEST_DETAIL]} …"
        super().__init__(f"{rule}: {reason}; but: {seen}")
        self.rule = rule
        """Its name in the contract's rules."""
        self.detail = seen
        """What was seen instead."""


class Contract:
    """What all contracts have in common. One of a plugin's test classes inherits one of the kinds."""

    rules: ClassVar[Mapping[str, str]]
    """The reason of every rule, by its name."""

    _is_broken = False
    _passed_over: str | None = None

    def hold(self, rule: str, holds: bool, detail: str) -> None:  # noqa: FBT001 - the verdict itself
        """Break ``rule`` with what was seen, unless it ``holds``."""
        __tracebackhide__ = True
        if not holds:
            raise self.breach(of=rule, seen=detail)

    def breach(self, *, of: str, seen: str) -> RuleBroken:
        """That the rule does not hold, to be raised."""
        self._is_broken = True
        return RuleBroken(of, self.rules[of], seen)

    def pass_over(self, why: str) -> None:
        """Say that what a test is about is not there to be asked.

        The test passes, and the summary of the run says so, lest anybody take it for a rule that was kept.
        """
        self._passed_over = why

    @pytest.fixture(autouse=True)
    def _verdict(
        self, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
    ) -> Iterator[None]:
        """How the rule of a test that is named after it fared, for the summary of the run."""
        yield
        rule = request.node.originalname.removeprefix("test_").replace("_", "-")
        if rule in self.rules and not self._is_broken:
            why = self._passed_over
            record_property(
                VERDICT_PROPERTY, (rule, "kept" if why is None else f"not asked: {why}")
            )

    async def spoken(self, call: Awaitable[T]) -> T:
        """The answer; what is raised and is none of the core's errors breaks ``fails-in-our-words``."""
        __tracebackhide__ = True
        try:
            return await call
        except (ProviderError, AssertionError):
            raise
        except CommerceKitError:
            raise
        except Exception as error:
            raise self.breach(of="fails-in-our-words", seen=f"{error!r}") from error

    async def refusal(self, call: Awaitable[Any]) -> CommerceKitError | None:
        """The core's error that ``call`` raises, ``None`` when it answers."""
        try:
            await self.spoken(call)
        except CommerceKitError as error:
            return error
        return None


def unspoken(words: object, *, longest: int = 200) -> str | None:
    """What is wrong with a text by language, ``None`` when it can be read in English and in Chinese."""
    if not isinstance(words, dict):
        return f"{words!r} is no text by language"
    for language, text in words.items():
        if not isinstance(language, str) or not isinstance(text, str):
            return f"{language!r}: {text!r} is no text"
        if len(text) > longest:
            return f"{language!r} has {len(text)} characters, more than {longest}"
    missing = [language for language in _LANGUAGES if not words.get(language, "").strip()]
    return f"{words!r} says nothing in {' and '.join(missing)}" if missing else None
