"""Calls providers so that one which fails, lies or hangs cannot take the shop with it."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

import structlog

from commercekit.platform.providers.breaker import Breaker, BreakerState
from commercekit.platform.providers.errors import (
    PluginFailed,
    PluginFailedMidway,
    ProviderConfigError,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
    SignatureInvalid,
)
from commercekit.platform.providers.shapes import fits, type_words

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["CallOutcome", "ProviderCaller", "Verb"]

T = TypeVar("T")

_RAISE: Final[Any] = object()
_ANSWERS = (ProviderRejected, ProviderConfigError, SignatureInvalid)
"""Refusals: the provider is alive and said no."""


@dataclass(frozen=True)
class Verb(Generic[T]):
    """One thing a family of providers can be asked, declared once by the domain that asks.

    ``returns`` is checked on every answer. ``effectful`` says that the call moves something in the
    world, so that a call cut short leaves an *unknown* outcome instead of a failure.
    """

    family: str
    name: str
    returns: Any
    effectful: bool = False
    deadline: timedelta | None = None
    """Without it: 5 s for effectful verbs, 2 s for the others."""


class CallOutcome(NamedTuple):
    """What metrics learn of a call."""

    family: str
    provider: str
    verb: str
    outcome: str
    """``ok``, ``rejected``, ``unavailable``, ``unknown``, ``misconfigured``, ``signature-invalid``,
    ``timeout``, ``failed`` (the plugin broke its contract) or ``skipped`` (the breaker is open)."""
    seconds: float


class ProviderCaller:
    """The one way from the core into a provider: deadline, breaker, contract, failure policy.

    ::

        CREATE = Verb("payments", "create", returns=CreateResult, effectful=True)
        result = await caller.call(CREATE, gateway.code, lambda: gateway.create(ctx, request))

    Raises only :class:`ProviderError`; with ``instead`` a provider that is unavailable, unknown,
    misconfigured or broken yields that value and a log line (a carrier without quotes), while a
    refusal of the request still raises.
    """

    def __init__(
        self,
        *,
        observe: Callable[[CallOutcome], None] | None = None,
        breaker: Callable[[], Breaker] = Breaker,
        read_deadline: timedelta = timedelta(seconds=2),
        effect_deadline: timedelta = timedelta(seconds=5),
    ) -> None:
        self._observe = observe
        self._make_breaker = breaker
        self._deadlines = {False: read_deadline, True: effect_deadline}
        self._breakers: dict[tuple[str, str], Breaker] = {}
        self._log = structlog.get_logger("commercekit.provider")

    async def call(
        self,
        verb: Verb[T],
        provider: str,
        work: Callable[[], Awaitable[T]],
        *,
        instead: T = _RAISE,
    ) -> T:
        """The provider's answer, of the type that ``verb`` promises."""
        breaker = self._breakers.setdefault((verb.family, provider), self._make_breaker())
        started = time.monotonic()
        outcome = "failed"
        try:
            answer, outcome = await self._guarded(verb, provider, work, breaker), "ok"
        except ProviderError as error:
            outcome = _name_of(error)
            if instead is _RAISE or isinstance(error, ProviderRejected | SignatureInvalid):
                raise
            self._say("provider-skipped", verb, provider, outcome=outcome)
            return instead
        except asyncio.CancelledError:
            outcome = "cancelled"
            breaker.released()
            raise
        finally:
            if self._observe is not None:
                seconds = time.monotonic() - started
                self._observe(CallOutcome(verb.family, provider, verb.name, outcome, seconds))
        return answer

    def states(self) -> dict[str, BreakerState]:
        """Every provider called so far, as ``family/code``, and the state of its breaker here."""
        return {f"{family}/{code}": b.state for (family, code), b in self._breakers.items()}

    async def _guarded(
        self, verb: Verb[T], provider: str, work: Callable[[], Awaitable[T]], breaker: Breaker
    ) -> T:
        if wait := breaker.admit():
            message = f"{provider} failed repeatedly and is left alone for a while"
            raise _Skipped(math.ceil(wait), message)
        try:
            answer = await self._within_deadline(verb, provider, work)
        except _ANSWERS:
            breaker.succeeded()
            raise
        except ProviderError:
            if breaker.failed():
                self._say("provider-breaker-opened", verb, provider)
            raise
        breaker.succeeded()
        return answer

    async def _within_deadline(
        self, verb: Verb[T], provider: str, work: Callable[[], Awaitable[T]]
    ) -> T:
        deadline = verb.deadline or self._deadlines[verb.effectful]
        task = asyncio.ensure_future(_run(work))
        try:
            # Who has nobody to ask is done by the next turn of the loop, and needs no timer.
            await asyncio.sleep(0)
            if not task.done():
                await asyncio.wait({task}, timeout=deadline.total_seconds())
            is_done = task.done()
        finally:
            # A plugin may swallow the cancellation: it is told, and not waited for.
            task.cancel()
            task.add_done_callback(_forget)
        if not is_done:
            self._say("provider-timed-out", verb, provider, seconds=deadline.total_seconds())
            message = f"{provider} did not answer within {deadline.total_seconds():g} s"
            raise _TimedOutMidway("timeout", message) if verb.effectful else _TimedOut(1, message)
        return self._checked(verb, provider, task)

    def _checked(self, verb: Verb[T], provider: str, task: asyncio.Future[T]) -> T:
        try:
            answer = task.result()
        except ProviderError:
            raise
        except (Exception, asyncio.CancelledError) as error:  # whatever a plugin may raise
            self._say("provider-raised", verb, provider, exc_info=error)
            raise self._failure(verb, provider) from error
        if not fits(answer, verb.returns):
            self._say(
                "provider-returned-wrong-type",
                verb,
                provider,
                promised=type_words(verb.returns),
                returned=type(answer).__name__,
            )
            raise self._failure(verb, provider)
        return answer

    @staticmethod
    def _failure(verb: Verb[Any], provider: str) -> ProviderError:
        message = f"The plugin behind {provider} failed in {verb.family}.{verb.name}"
        if verb.effectful:
            return PluginFailedMidway("plugin-failed", message)
        return PluginFailed(detail=message)

    def _say(self, event: str, verb: Verb[Any], provider: str, **more: Any) -> None:
        self._log.warning(event, family=verb.family, provider=provider, verb=verb.name, **more)


class _Skipped(ProviderUnavailable):
    """The breaker is open."""


class _TimedOut(ProviderUnavailable):
    """Cut at the deadline; the verb moves nothing."""


class _TimedOutMidway(ProviderUnknown):
    """Cut at the deadline; it may have happened."""


_NAMES: Final[tuple[tuple[type[ProviderError], str], ...]] = (
    (_Skipped, "skipped"),
    (_TimedOut, "timeout"),
    (_TimedOutMidway, "timeout"),
    (PluginFailed, "failed"),
    (PluginFailedMidway, "failed"),
    (ProviderRejected, "rejected"),
    (ProviderUnavailable, "unavailable"),
    (ProviderUnknown, "unknown"),
    (ProviderConfigError, "misconfigured"),
    (SignatureInvalid, "signature-invalid"),
)


def _name_of(error: ProviderError) -> str:
    return next((name for kind, name in _NAMES if isinstance(error, kind)), "failed")


async def _run(work: Callable[[], Awaitable[T]]) -> T:
    return await work()


def _forget(task: asyncio.Future[Any]) -> None:
    """Take what a call brought after it was given up, so that nobody warns of it."""
    if not task.cancelled():
        task.exception()
