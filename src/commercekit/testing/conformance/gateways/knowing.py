"""What a gateway says when nobody knows, and what it knows afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from commercekit.kernel import new_id
from commercekit.payments import PaymentSnapshot, PaymentState, RefundState
from commercekit.platform.providers import (
    ProviderError,
    ProviderUnavailable,
    ProviderUnknown,
)
from commercekit.testing.conformance.gateways.line import Fault
from commercekit.testing.conformance.gateways.rules import hold, rule
from commercekit.testing.conformance.gateways.trial import Trial
from commercekit.testing.conformance.gateways.vendor import Asked, VendorBooks
from commercekit.testing.conformance.gateways.words import outcome
from commercekit.testing.conformance.verdicts import NotAsked

__all__ = ["KnowingRules"]

_OPEN = (PaymentState.CREATED, PaymentState.PENDING, PaymentState.ACTION_REQUIRED)
_NOT_YET = (*_OPEN, PaymentState.UNKNOWN)
_GOING = (RefundState.SUCCEEDED, RefundState.PENDING)
_LOST = (Fault.UNHEARD, Fault.UNANSWERED, Fault.BROKEN_OFF, Fault.SERVER_ERROR)


@dataclass(frozen=True)
class _Step:
    """A call that moves something, and how to see whether it did."""

    verb: str
    payment_id: str
    call: Callable[[], Awaitable[Any]]
    ask: Callable[[], Awaitable[Any]]
    done: Callable[[VendorBooks], bool]
    seen_done: Callable[[Any], bool]
    seen_undone: Callable[[Any], bool]


class KnowingRules:
    """Rules about lost answers."""

    @rule("says-unknown-when-nobody-knows", needs=("vendor", "faults"))
    async def test_a_lost_answer_is_an_unknown_outcome(self, trial: Trial) -> None:
        """Rule ``says-unknown-when-nobody-knows``: a timeout, a cut, a 502; never a refusal."""
        async for fault, step in _mishaps(trial, _LOST):
            with trial.failing(fault):
                answer = await outcome(step.call())
            fits = isinstance(answer, ProviderUnknown) or (
                # Who asked by itself and was answered knows after all.
                not isinstance(answer, ProviderError) and step.done(await _books(trial, step))
            )
            said = f"{step.verb}, {fault}: {answer!r}"
            hold("says-unknown-when-nobody-knows", fits, said)
        if trial.able.query and trial.contract.speaks_http:
            asked = await trial.asked()
            for fault in _LOST:
                with trial.line.failing(fault, reads=True):
                    answer = await outcome(trial.query(asked))
                silent = isinstance(answer, ProviderUnknown | ProviderUnavailable) or (
                    isinstance(answer, PaymentSnapshot) and answer.state in _NOT_YET
                )
                hold("says-unknown-when-nobody-knows", silent, f"query, {fault}: {answer!r}")

    @rule("says-unavailable-when-nothing-was-done", needs=("vendor", "faults"))
    async def test_a_vendor_out_of_reach_is_unavailable(self, trial: Trial) -> None:
        """Rule ``says-unavailable-when-nothing-was-done``: no connection, no effect, no question."""
        async for fault, step in _mishaps(trial, (Fault.UNREACHABLE,)):
            with trial.failing(fault):
                answer = await outcome(step.call())
            said = f"{step.verb}: {answer!r}"
            fits = isinstance(answer, ProviderUnavailable)
            hold("says-unavailable-when-nothing-was-done", fits, said)

    @rule("tells-the-truth-afterwards", needs=("vendor", "faults", "query"))
    async def test_asked_afterwards_it_tells_the_truth(self, trial: Trial) -> None:
        """Rule ``tells-the-truth-afterwards``: whether the call had arrived or not."""
        async for fault, step in _mishaps(trial, (Fault.UNANSWERED, Fault.UNHEARD)):
            with trial.failing(fault):
                await outcome(step.call())
            seen, books = await step.ask(), await _books(trial, step)
            true = step.seen_done if step.done(books) else step.seen_undone
            said = f"{step.verb}, {fault}: said {seen}, the vendor has {books}"
            hold("tells-the-truth-afterwards", true(seen), said)

    @rule("repeats-without-a-second-effect", needs=("vendor", "faults"))
    async def test_repeating_it_has_one_effect(self, trial: Trial) -> None:
        """Rule ``repeats-without-a-second-effect``: with the same key, after any lost answer."""
        faults = (Fault.UNANSWERED, Fault.UNHEARD, Fault.UNREACHABLE)
        async for fault, step in _mishaps(trial, faults):
            with trial.failing(fault):
                await outcome(step.call())
            again = await outcome(step.call())
            said = f"{step.verb}, {fault}: the repetition ended with {again!r}"
            hold("repeats-without-a-second-effect", not isinstance(again, ProviderError), said)
            if isinstance(again, Asked):
                await trial.vendor.pay(again)
            books = await _books(trial, step)
            said = f"{step.verb}, {fault}: the vendor booked {books}"
            hold("repeats-without-a-second-effect", step.done(books), said)

    @rule("takes-nonsense-for-unknown", needs=("vendor", "line"))
    async def test_an_answer_that_is_none_is_an_unknown_outcome(self, trial: Trial) -> None:
        """Rule ``takes-nonsense-for-unknown``: HTML under status 200."""
        async for fault, step in _mishaps(trial, (Fault.NONSENSE,)):
            with trial.failing(fault):
                answer = await outcome(step.call())
            fits = isinstance(answer, ProviderUnknown) or (
                not isinstance(answer, ProviderError) and step.done(await _books(trial, step))
            )
            hold("takes-nonsense-for-unknown", fits, f"{step.verb}: {answer!r}")
        if trial.able.query:
            asked = await trial.asked()
            with trial.line.failing(Fault.NONSENSE, reads=True):
                answer = await outcome(trial.query(asked))
            silent = isinstance(answer, ProviderUnknown | ProviderUnavailable) or (
                isinstance(answer, PaymentSnapshot) and answer.state in _NOT_YET
            )
            hold("takes-nonsense-for-unknown", silent, f"query: {answer!r}")


async def _books(trial: Trial, step: _Step) -> VendorBooks:
    return await trial.vendor.books(step.payment_id)


async def _mishaps(trial: Trial, faults: tuple[Fault, ...]) -> AsyncIterator[tuple[Fault, _Step]]:
    """Every fault that can be played, with every call that moves something at the vendor."""
    played = 0
    for fault in faults:
        if not trial.plays(fault):
            continue
        for make in await _steps(trial):
            played += 1
            yield fault, await make(trial)
    if not played:
        message = "no call moves anything at the vendor, or none of the faults can be played"
        raise NotAsked(message)


async def _steps(trial: Trial) -> list[Callable[[Trial], Awaitable[_Step]]]:
    steps: list[Callable[[Trial], Awaitable[_Step]]] = []
    # Twice: the first may fetch a token, which is kept.
    await trial.asked()
    before = len(trial.line.requests)
    asked = await trial.asked()
    sends = any(each.method != "GET" for each in trial.line.requests[before:])
    if sends or (not trial.contract.speaks_http and (await trial.books(asked)).payments):
        steps.append(_create)
    if trial.able.manual_capture:
        steps.append(_capture)
        if trial.able.void:
            steps.append(_void)
    if trial.able.refund:
        steps.append(_refund)
    return steps


async def _create(trial: Trial) -> _Step:
    request = trial.request()

    def met(seen: PaymentSnapshot) -> bool:
        return seen.state in _OPEN and seen.amount == request.amount

    return _Step(
        verb="create",
        payment_id=request.payment_id,
        call=lambda: trial.create(request),
        ask=lambda: trial.query_id(request.payment_id),
        done=lambda books: books.payments == 1,
        seen_done=met,
        seen_undone=lambda seen: seen.state in _NOT_YET,
    )


async def _capture(trial: Trial) -> _Step:
    asked, key = await trial.held(), f"capture-{new_id().hex}"
    return _Step(
        verb="capture",
        payment_id=asked.payment_id,
        call=lambda: trial.capture(asked, asked.amount, key),
        ask=lambda: trial.query(asked),
        done=lambda books: (books.captures, books.captured) == (1, asked.amount.amount),
        seen_done=lambda seen: seen.state is PaymentState.PAID and seen.captured == asked.amount,
        seen_undone=lambda seen: seen.state is PaymentState.AUTHORISED,
    )


async def _void(trial: Trial) -> _Step:
    asked, key = await trial.held(), f"void-{new_id().hex}"
    return _Step(
        verb="void",
        payment_id=asked.payment_id,
        call=lambda: trial.void(asked, key),
        ask=lambda: trial.query(asked),
        done=lambda books: (books.held, books.captured) == (0, 0),
        seen_done=lambda seen: seen.state is PaymentState.CLOSED,
        seen_undone=lambda seen: seen.state is PaymentState.AUTHORISED,
    )


async def _refund(trial: Trial) -> _Step:
    asked = await trial.paid()
    request = trial.refund_request(asked)
    return _Step(
        verb="refund",
        payment_id=asked.payment_id,
        call=lambda: trial.refund(request),
        ask=lambda: trial.query_refund(request),
        done=lambda books: (books.refunds, books.refunded) == (1, asked.amount.amount),
        seen_done=lambda seen: seen.state in _GOING,
        seen_undone=lambda seen: seen.state is RefundState.UNKNOWN,
    )
