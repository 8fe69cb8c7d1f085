"""Calls providers so that one which fails, lies or hangs cannot take the shop with it."""

from __future__ import annotations

import asyncio
import math
import random
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from commercekit.platform.providers.answers import Misfit
from commercekit.platform.providers.breaker import Breaker, BreakerState
from commercekit.platform.providers.deadlines import Deadlines
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
from commercekit.platform.providers.health import CallOutcome, ProviderHealth
from commercekit.platform.providers.policies import FailurePolicy, Verb
from commercekit.platform.providers.reports import report, shown
from commercekit.platform.providers.routes import Known, Route
from commercekit.platform.providers.settings import Policies
from commercekit.platform.providers.stage import Overran, Stage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["CallOutcome", "ProviderCaller"]

T = TypeVar("T")

_RAISE: Final[Any] = object()
_ANSWERS = (ProviderRejected, ProviderConfigError, SignatureInvalid)
"""Refusals: the provider is alive and said no."""
_FIRST_PAUSE: Final = 0.05
_LONGEST_CODE: Final = 200


class ProviderCaller:
    """The one way from the core into a provider: deadline, breaker, contract, failure policy.

    ::

        CREATE = Verb("payments", "create", returns=CreateResult, effectful=True)
        result = await caller.call(CREATE, gateway.code, lambda: gateway.create(ctx, request))

    Raises only :class:`ProviderError`. Where the policy of the verb is ``open``, a provider that is
    unavailable, unknown, misconfigured or broken yields ``instead`` and a log line (a carrier without
    quotes), while a refusal of the request still raises. Costs about ten microseconds.
    """

    def __init__(
        self,
        *,
        policies: Policies | None = None,
        observe: Callable[[CallOutcome], None] | None = None,
        breaker: Callable[[], Breaker] | None = None,
        stage: Stage | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """``observe`` hears of every call; metrics rather look at :meth:`providers` now and then.

        ``breaker`` makes all of them alike, whatever the policies say.
        """
        self.policies = policies or Policies()
        self.stage = stage or Stage()
        self._observe = observe
        self._make_breaker = breaker
        self._now = now
        self._known: dict[tuple[str, str], Known] = {}
        self._routes: dict[tuple[Verb[Any], str], Route] = {}
        self._abandoned: set[asyncio.Future[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._deadlines: dict[float, Deadlines] = {}

    # -- who there is -----------------------------------------------------------------------------

    def introduce(self, family: str, provider: str, plugin: str) -> None:
        """Say which plugin brings a provider, so that it is named when the provider fails."""
        self._provider(family, provider).plugin = plugin

    def providers(self) -> list[Known]:
        """Every provider introduced or called so far, in this process."""
        return list(self._known.values())

    def states(self) -> dict[str, BreakerState]:
        """Every provider known so far, as ``family/code``, and the state of its breaker here."""
        return {f"{family}/{code}": k.breaker.state for (family, code), k in self._known.items()}

    def reset(self, family: str, provider: str) -> None:
        """Close the circuit of a provider: somebody knows that it works again."""
        known = self._known.get((family, provider))
        if known is not None:
            known.breaker.succeeded()

    def reset_all(self) -> None:
        """Close every circuit."""
        for known in self._known.values():
            known.breaker.succeeded()

    # -- asking -----------------------------------------------------------------------------------

    async def call(
        self,
        verb: Verb[T],
        provider: str,
        work: Callable[[], Awaitable[T]],
        *,
        instead: T = _RAISE,
    ) -> T:
        """The provider's answer, of the type that ``verb`` promises."""
        route = self._routes.get((verb, provider)) or self._route(verb, provider)
        started = self._now()
        try:
            if not route.known.breaker.is_closed:
                self._admit(route)
            if route.retries:
                answer = await self._tried(route, work, started)
            else:
                answer = await self._once(route, work, route.seconds)
        except ProviderError as error:
            return cast("T", self._after(route, error, started, instead))
        except asyncio.CancelledError:
            route.known.breaker.released()
            self._note(route, "cancelled", started)
            raise
        self._good(route, started)
        return cast("T", answer)  # checked to be one

    def call_sync(
        self,
        verb: Verb[T],
        provider: str,
        work: Callable[[], T],
        *,
        instead: T = _RAISE,
        fault: Callable[[T], str | None] | None = None,
    ) -> T:
        """As :meth:`call`, for pure rules and strategies that answer at once.

        One that does not come back is thrown out by the watchdog some time after its deadline, if it
        is pure Python, and left alone from then on. ``fault`` says what is wrong with an answer.
        """
        route = self._routes.get((verb, provider)) or self._route(verb, provider)
        started = self._now()
        try:
            if not route.known.breaker.is_closed:
                self._admit(route)
            answer = self._at_once(route, work, fault)
            took = self._now() - started
            if took > route.seconds:
                self._say("provider-too-slow", route, seconds=round(took, 3))
                raise self._timed_out(route)
        except ProviderError as error:
            return cast("T", self._after(route, error, started, instead))
        self._good(route, started)
        return answer

    def _admit(self, route: Route) -> None:
        wait = route.known.breaker.admit() if route.guarded else 0.0
        if wait:
            message = f"{route.provider} failed repeatedly and is left alone for a while"
            raise _Skipped(math.ceil(wait), message)

    async def _tried(self, route: Route, work: Callable[[], Awaitable[T]], started: float) -> Any:
        """Again while that is safe and there is time: the deadline is for all tries together."""
        until = started + route.seconds
        for attempt in range(route.retries):
            try:
                return await self._once(route, work, until - self._now())
            except (ProviderUnavailable, ProviderUnknown) as error:
                pause = _FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1.5)
                if not _may_pass(error, route.verb) or self._now() + pause >= until:
                    raise
            await asyncio.sleep(pause)
        return await self._once(route, work, until - self._now())

    async def _once(self, route: Route, work: Callable[[], Awaitable[T]], seconds: float) -> Any:
        loop = asyncio.get_running_loop()
        # In a task and a context of its own: what it leaves behind is nobody else's, and one that
        # swallows its cancellation can be left to itself.
        task = loop.create_task(self.stage.walk(route.act, work))
        try:
            # Who has nobody to ask is done by the next turn of the loop, and needs no timer.
            await asyncio.sleep(0)
            if not task.done():
                await self._settled(loop, route, task, seconds)
        finally:
            if not task.done():
                self._abandon(route, task)
        if not task.done():
            self._say("provider-timed-out", route, seconds=route.seconds)
            raise self._timed_out(route)
        try:
            return self._checked(route, task.result())
        except ProviderError as error:
            raise self._judged(route, error) from error.__cause__
        except Overran:
            raise self._thrown_out(route) from None
        except (Exception, asyncio.CancelledError) as error:  # whatever a plugin may raise
            raise self._raised(route, error) from error

    async def _settled(
        self,
        loop: asyncio.AbstractEventLoop,
        route: Route,
        task: asyncio.Future[Any],
        seconds: float,
    ) -> None:
        """Return when the task is done, or the time is over."""
        waiting = loop.create_future()

        def end(_done: Any) -> None:
            if not waiting.done():
                waiting.set_result(None)

        task.add_done_callback(end)
        if seconds == route.seconds:
            self._deadlines_of(loop, seconds).watch(waiting)
            await waiting
            return
        timer = loop.call_later(max(0.0, seconds), end, None)
        try:
            await waiting
        finally:
            timer.cancel()

    def _deadlines_of(self, loop: asyncio.AbstractEventLoop, seconds: float) -> Deadlines:
        if loop is not self._loop:
            self._loop, self._deadlines = loop, {}
        found = self._deadlines.get(seconds)
        if found is None:
            found = self._deadlines[seconds] = Deadlines(loop, seconds)
        return found

    def _at_once(
        self, route: Route, work: Callable[[], T], fault: Callable[[T], str | None] | None
    ) -> T:
        try:
            answer = self.stage.run(route.act, work)
            if asyncio.iscoroutine(answer):
                answer.close()
            if fault is not None and (wrong := self.stage.run(route.act, lambda: fault(answer))):
                raise Misfit(wrong)
            return cast("T", self._checked(route, answer))
        except ProviderError as error:
            raise self._judged(route, error) from error.__cause__
        except Misfit as misfit:
            raise self._wrong(route, misfit) from None
        except Overran:
            raise self._thrown_out(route) from None
        except (Exception, SystemExit, asyncio.CancelledError) as error:  # likewise
            raise self._raised(route, error) from error

    def _checked(self, route: Route, answer: Any) -> Any:
        try:
            route.check(answer)
        except Misfit as misfit:
            raise self._wrong(route, misfit) from None
        return answer

    def _abandon(self, route: Route, task: asyncio.Future[Any]) -> None:
        """A plugin may swallow the cancellation: it is told, and not waited for."""
        task.cancel()
        route.known.lingering += 1
        self._abandoned.add(task)

        def forget(done: asyncio.Future[Any]) -> None:
            self._abandoned.discard(done)
            route.known.lingering -= 1
            if not done.cancelled():
                done.exception()  # taken, so that nobody warns of it

        task.add_done_callback(forget)

    # -- what became of it ------------------------------------------------------------------------

    def _good(self, route: Route, started: float) -> None:
        if not route.known.breaker.is_spotless and route.guarded:
            route.known.breaker.succeeded()
        seconds = self._now() - started
        tallies = route.tallies
        tallies.ok.add(seconds)
        tallies.recent.append(seconds)
        if self._observe is not None:
            verb = route.verb
            self._observe(CallOutcome(verb.family, route.provider, verb.name, "ok", seconds))

    def _after(self, route: Route, error: ProviderError, started: float, instead: Any) -> Any:
        outcome = _name_of(error)
        if isinstance(error, _Skipped):
            self._note(route, outcome, started)
        else:
            self._count(route, error)
            name = report(route.known.health, route.verb.name, error, datetime.now(UTC))
            self._note(route, outcome, started, name)
        if (
            instead is _RAISE
            or route.policy is not FailurePolicy.OPEN
            or isinstance(error, ProviderRejected | SignatureInvalid)
        ):
            raise error
        self._say("provider-left-out", route, outcome=outcome)
        return instead

    def _count(self, route: Route, error: ProviderError) -> None:
        if not route.guarded:
            return
        breaker = route.known.breaker
        if isinstance(error, _ANSWERS):
            breaker.succeeded()
        elif breaker.failed(gravely=isinstance(error, _ThrownOut | _ThrownOutMidway)):
            self._say("provider-breaker-opened", route)

    def _note(self, route: Route, outcome: str, started: float, error: str = "") -> None:
        seconds = self._now() - started
        verb = route.verb
        route.tallies.add(outcome, seconds)
        if self._observe is not None:
            self._observe(
                CallOutcome(verb.family, route.provider, verb.name, outcome, seconds, error)
            )

    def _judged(self, route: Route, error: ProviderError) -> ProviderError:
        """The error, unless it is none: a code is written down, and shown."""
        code = getattr(error, "code", "")
        if isinstance(code, str) and len(code) <= _LONGEST_CODE and len(error.detail) <= 2000:
            return error
        self._say("provider-raised-nonsense", route, error=type(error).__name__)
        return self._failure(route)

    def _raised(self, route: Route, error: BaseException) -> ProviderError:
        self._say("provider-raised", route, **shown(error))
        return self._failure(route)

    def _wrong(self, route: Route, misfit: Misfit) -> ProviderError:
        self._say("provider-answered-wrong", route, problem=str(misfit)[:500])
        return self._failure(route)

    def _thrown_out(self, route: Route) -> ProviderError:
        self._say("provider-thrown-out", route, seconds=route.seconds)
        message = f"{route.provider} kept the event loop for itself in {route.title}"
        if route.verb.effectful:
            return _ThrownOutMidway("thrown-out", message)
        return _ThrownOut(1, message)

    @staticmethod
    def _timed_out(route: Route) -> ProviderError:
        message = f"{route.provider} did not answer within {route.seconds:g} s"
        if route.verb.effectful:
            return _TimedOutMidway("timeout", message)
        return _TimedOut(1, message)

    @staticmethod
    def _failure(route: Route) -> ProviderError:
        message = f"The plugin behind {route.provider} failed in {route.title}"
        if route.verb.effectful:
            return PluginFailedMidway("plugin-failed", message)
        return PluginFailed(detail=message)

    def _provider(self, family: str, code: str) -> Known:
        known = self._known.get((family, code))
        if known is None:
            made = self._make_breaker
            breaker = made() if made else Breaker.of(self.policies.breaker(family, code), self._now)
            known = Known(family, code, breaker, ProviderHealth())
            self._known[family, code] = known
        return known

    def _route(self, verb: Verb[Any], provider: str) -> Route:
        known = self._provider(verb.family, provider)
        route = Route.of(verb, known, self.policies.line(verb, provider))
        self._routes[verb, provider] = route
        return route

    @staticmethod
    def _say(event: str, route: Route, **more: Any) -> None:
        route.log.warning(event, **more)


class _Skipped(PluginFailed):
    """The breaker is open."""


class _TimedOut(PluginFailed):
    """Cut at the deadline; the verb moves nothing."""


class _TimedOutMidway(PluginFailedMidway):
    """Cut at the deadline; it may have happened."""


class _ThrownOut(_TimedOut):
    """Thrown off the event loop by the watchdog."""


class _ThrownOutMidway(_TimedOutMidway):
    """As :class:`_ThrownOut`; it may have happened."""


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


def _may_pass(error: ProviderError, verb: Verb[Any]) -> bool:
    """Whether trying again is safe and may help: a bug stays one, and a hang took all the time."""
    if isinstance(error, PluginFailed | PluginFailedMidway):
        return False
    return isinstance(error, ProviderUnavailable) or not verb.effectful
