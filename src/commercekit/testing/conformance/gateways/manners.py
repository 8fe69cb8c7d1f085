"""How a gateway behaves among others: on the loop, on the line, between accounts and clocks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any, Final, NamedTuple

from commercekit.platform.providers import ProviderError, SignatureInvalid
from commercekit.testing.conformance.gateways.line import Fault
from commercekit.testing.conformance.gateways.rules import hold, rule
from commercekit.testing.conformance.gateways.senses import loose_tasks, remembered
from commercekit.testing.conformance.gateways.trial import Trial
from commercekit.testing.conformance.gateways.words import outcome
from commercekit.testing.conformance.verdicts import NotAsked

__all__ = ["MannersRules"]

_TOO_LONG: Final = 0.05
"""Seconds that one step may keep the loop."""
_TRIES: Final = 5
"""A step that is slow by itself is slow every time; one that the machine interrupted is not."""
_PATIENCE: Final = 1.0
"""Seconds within which a cancelled call ends."""
_A_YEAR: Final = timedelta(days=365)


class _End(NamedTuple):
    """How a call ended that was cancelled while its vendor was silent."""

    ended: bool
    cancelled: bool
    tasks: int
    open: int
    said: str


class MannersRules:
    """Rules of good company."""

    @rule("speaks-through-the-context", needs=("vendor", "line"))
    async def test_it_speaks_through_the_context(self, trial: Trial) -> None:
        """Rule ``speaks-through-the-context``: every call goes by ``ctx.http``."""
        await trial.course()
        spoke = bool(trial.line.requests)
        hold("speaks-through-the-context", spoke, "nothing was sent by ctx.http in a whole course")

    @rule("ends-when-cancelled", needs=("vendor", "line"))
    async def test_a_call_ends_when_it_is_cancelled(self, trial: Trial) -> None:
        """Rule ``ends-when-cancelled``: at once, and as cancelled."""
        async for verb, end in _cut_short(trial):
            hold("ends-when-cancelled", end.ended, f"{verb} went on for {_PATIENCE:g} s")
            said = f"{verb} swallowed it and ended with {end.said}"
            hold("ends-when-cancelled", end.cancelled, said)

    @rule("leaves-no-task", needs=("vendor",))
    async def test_no_task_is_left_behind(self, trial: Trial) -> None:
        """Rule ``leaves-no-task``: neither after a course, nor after a call that was cut short."""
        before = asyncio.all_tasks()
        await trial.course()
        left = await _left(before)
        hold("leaves-no-task", not left, f"{left} tasks still ran after a course")
        if trial.contract.speaks_http:
            async for verb, end in _cut_short(trial):
                hold("leaves-no-task", not end.tasks, f"{end.tasks} ran on after {verb} was cut")

    @rule("leaves-no-connection", needs=("vendor", "line"))
    async def test_no_connection_is_left_open(self, trial: Trial) -> None:
        """Rule ``leaves-no-connection``: every answer is read to its end, or closed."""
        asked, _ = await trial.course()
        hold("leaves-no-connection", not trial.line.open, f"{trial.line.open} answers left open")
        for fault in (Fault.SERVER_ERROR, Fault.NONSENSE):
            with trial.line.failing(fault, reads=True):
                await outcome(trial.asked())
                if trial.able.query:
                    await outcome(trial.query(asked))
            left = trial.line.open
            hold("leaves-no-connection", not left, f"{left} answers left open after {fault}")
        async for verb, end in _cut_short(trial):
            hold("leaves-no-connection", not end.open, f"{end.open} left open by {verb}, cut short")

    @rule("never-blocks-the-loop")
    async def test_no_step_blocks_the_loop(self, trial: Trial) -> None:
        """Rule ``never-blocks-the-loop``: no step of any call is longer than 50 ms."""
        slowest = ("", float("inf"))
        for _ in range(_TRIES):
            trial.steps = []
            await trial.course()
            slowest = min(slowest, max(trial.steps, key=_seconds), key=_seconds)
            if slowest[1] <= _TOO_LONG:
                break
        verb, seconds = slowest
        said = f"a step of {verb} kept it for {seconds * 1000:.0f} ms"
        hold("never-blocks-the-loop", seconds <= _TOO_LONG, said)

    @rule("forgets-requests")
    async def test_nothing_of_a_request_is_remembered(self, trial: Trial) -> None:
        """Rule ``forgets-requests``: no id of a payment or refund stays in the gateway."""
        asked, request = await trial.course()
        kept = remembered(trial.gateway)
        hold("forgets-requests", asked.payment_id not in kept, "it remembers the payment's id")
        if request is not None:
            hold("forgets-requests", request.refund_id not in kept, "it remembers the refund's id")

    @rule("keeps-accounts-apart", needs=("vendor",))
    async def test_two_accounts_do_not_mix(self, trial: Trial) -> None:
        """Rule ``keeps-accounts-apart``: in turn and at once, on one shared instance."""
        mine = await trial.paid()
        stranger, line = trial.connected(trial.stranger())
        here = len(trial.line.requests)
        mixed: list[Awaitable[Any]] = [
            outcome(trial.create(trial.request(), context))
            for _ in range(3)
            for context in (stranger, trial.context)
        ]
        if trial.able.query:
            mixed += [outcome(trial.query(mine, at)) for at in (stranger, trial.context)]
        answers = await asyncio.gather(*mixed)
        for own in answers[1::2]:
            hold("keeps-accounts-apart", not isinstance(own, ProviderError), f"own call: {own!r}")
        theirs = {f"other-{text[::-1]}" for text in trial.secrets.values()}
        for secrets, requests, whose in (
            (set(trial.secrets.values()), line.requests, "another account's"),
            (theirs, trial.line.requests[here:], "this account's"),
        ):
            for sent in requests:
                written = f"{sent.url} {sent.headers.raw!r} {sent.content!r}"
                mixed_up = any(secret in written for secret in secrets)
                said = f"a request of {whose} carries the other's secret"
                hold("keeps-accounts-apart", not mixed_up, said)
        if trial.able.webhook:
            await self._news_apart(trial, mine, stranger)

    @staticmethod
    async def _news_apart(trial: Trial, mine: Any, stranger: Any) -> None:
        raw = (await trial.told(mine))[-1]
        await trial.read(raw)
        for _ in range(2):
            if trial.contract.verifies_by_secret:
                answer = await outcome(trial.parse(raw, stranger))
                no = isinstance(answer, ProviderError)
                hold("keeps-accounts-apart", no, "took this account's news for another's")
            own = await outcome(trial.parse(raw))
            yes = not isinstance(own, ProviderError)
            hold("keeps-accounts-apart", yes, f"after another's, its own news: {own!r}")

    @rule("tells-time-by-the-context", needs=("vendor",))
    async def test_time_is_the_contexts(self, trial: Trial) -> None:
        """Rule ``tells-time-by-the-context``: everything works as well in another year."""
        before = trial.context.now()
        await trial.course()
        trial.clock.advance(days=400)
        if trial.context.now() - before < _A_YEAR:
            message = "make the context with the fixture `clock`, so that the kit can move it"
            raise TypeError(message)
        asked = await trial.paid()
        for raw in await trial.told(asked) if trial.able.webhook else ():
            answer = await outcome(trial.parse(raw))
            if isinstance(answer, SignatureInvalid):
                hold(
                    "tells-time-by-the-context", holds=False, detail=f"400 days on: {answer.reason}"
                )
        if trial.able.query:
            seen = await trial.query(asked)
            at = seen.occurred_at
            fits = at is None or at >= before + _A_YEAR
            hold("tells-time-by-the-context", fits, f"it happened at {at}, before it was asked for")


def _seconds(step: tuple[str, float]) -> float:
    return step[1]


async def _left(before: set[asyncio.Task[Any]]) -> int:
    for _ in range(20):
        await asyncio.sleep(0)
    left = loose_tasks(before)
    for task in left:
        task.cancel()
    return len(left)


async def _cut_short(trial: Trial) -> Any:
    """Each call, cancelled while the vendor is silent, and how it ended."""
    paid = await trial.paid()
    cut = 0
    for verb, make in _verbs(trial, paid):
        call = await make()
        end = await _cut(trial, call)
        if end is not None:
            cut += 1
            yield verb, end
    if not cut:
        message = "no call goes out, so that none can hang"
        raise NotAsked(message)


def _verbs(trial: Trial, paid: Any) -> Iterator[tuple[str, Callable[[], Awaitable[Any]]]]:
    async def create() -> Any:
        return trial.asked

    async def query() -> Any:
        return lambda: trial.query(paid)

    async def capture() -> Any:
        held = await trial.held()
        return lambda: trial.capture(held, held.amount)

    async def refund() -> Any:
        return lambda: trial.refund(trial.refund_request(paid))

    yield "create", create
    if trial.able.query:
        yield "query", query
    if trial.able.manual_capture:
        yield "capture", capture
    if trial.able.refund:
        yield "refund", refund


async def _cut(trial: Trial, call: Callable[[], Awaitable[Any]]) -> _End | None:
    before, open_before = asyncio.all_tasks(), trial.line.open
    with trial.line.failing(Fault.HANGING, reads=True):
        task = asyncio.ensure_future(call())
        for _ in range(1000):
            await asyncio.sleep(0)
            if trial.line.waiting or task.done():
                break
        if task.done():
            task.exception()
            return None
        task.cancel()
        await asyncio.wait({task}, timeout=_PATIENCE)
        ended = task.done()
        cancelled = ended and task.cancelled()
        said = "" if cancelled or not ended else repr(task.exception() or task.result())
        left = await _left(before | {task})
        open_after = trial.line.open - open_before
    if not ended:
        task.cancel()
        await asyncio.wait({task}, timeout=_PATIENCE)
    return _End(ended, cancelled, left, open_after, said)
