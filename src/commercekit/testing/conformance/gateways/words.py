"""How a call ended, in the core's words; anything else breaks a rule."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec

from commercekit.platform.providers import ProviderError
from commercekit.testing.conformance.contract import RuleBroken
from commercekit.testing.conformance.gateways.rules import fail

__all__ = ["outcome", "premise", "spoken"]

T = TypeVar("T")


@contextmanager
def premise(what: str) -> Iterator[None]:
    """What a rule takes for granted. Where it fails, that is not the fault it was looking for."""
    try:
        yield
    except ProviderError as error:
        fail("goes-the-whole-way", f"{what}: {error!r}", error)


async def spoken(call: Awaitable[T], kind: Any) -> T:
    """The answer; an exception or a type that is not one of the core's breaks a rule."""
    try:
        answer = await call
    except (ProviderError, RuleBroken):
        raise
    except Exception as error:  # noqa: BLE001 - whatever a stranger may raise
        fail("fails-in-our-words", repr(error), error)
    # Structs are not checked when they are made; written and read again they are.
    try:
        msgspec.msgpack.decode(msgspec.msgpack.encode(answer), type=kind)
    except (TypeError, ValueError, OverflowError) as error:
        detail = f"{error}; expected {kind.__name__}, got {answer!r}"
        fail("answers-in-our-words", detail, error)
    if not isinstance(answer, kind):
        fail("answers-in-our-words", f"expected {kind.__name__}, got {answer!r}")
    return answer


async def outcome(call: Awaitable[T]) -> T | ProviderError:
    """The answer, or the refusal as a value."""
    try:
        return await call
    except ProviderError as error:
        return error
