"""Asking refund rules, and what happens when one does not behave."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from commercekit.orders.models import Opinion, OrdersSettings, Review
from commercekit.orders.providers import REVIEW, Answer, RuleAnswer
from commercekit.orders.rules import RegisteredRefundRule, conclude, fault_of, in_order
from commercekit.platform.providers import Overran, ProviderError, throw_into

if TYPE_CHECKING:
    from commercekit.orders.providers import RefundCase
    from commercekit.platform.providers import ProviderCaller

__all__ = ["Reviewer"]


class Reviewer:
    """Asks the shop's rules one after the other until one decides.

    Each is called in a thread of its own, so that one which never comes back holds up nothing but its
    own review, until the deadline. A rule that fails in any way ends the review with a person, even if
    a later one would have approved: it may be the one that says no.
    """

    def __init__(
        self,
        caller: ProviderCaller,
        rules: Sequence[RegisteredRefundRule] = (),
        settings: OrdersSettings | None = None,
    ) -> None:
        settings = settings or OrdersSettings()
        self._caller = caller
        self.rules = in_order(rules, settings.refund_rules)

    async def review(self, case: RefundCase) -> Review:
        """What the rules make of ``case``; never raises."""
        opinions: list[Opinion] = []
        for registered in self.rules:
            opinion = await self._ask(registered, case)
            opinions.append(opinion)
            if opinion.answer != RuleAnswer.ABSTAIN:
                break
        return conclude(opinions, case.now)

    async def _ask(self, registered: RegisteredRefundRule, case: RefundCase) -> Opinion:
        rule = registered.rule
        try:
            answer = await self._caller.call(
                REVIEW,
                rule.code,
                lambda: _in_thread(lambda: rule.review(case)),
            )
            fault = fault_of(answer)
        except ProviderError as error:
            fault = str(error)
        if fault is not None:
            return _opinion(registered, "failed", {"en": fault})
        return _opinion(registered, answer.answer.value, answer.reason)


def _opinion(registered: RegisteredRefundRule, answer: str, reason: dict[str, str]) -> Opinion:
    return Opinion(
        rule=registered.rule.code,
        plugin=registered.plugin,
        version=registered.version,
        answer=answer,
        reason=reason,
    )


async def _in_thread(work: Callable[[], Answer]) -> Any:
    """What ``work`` gives, from a thread that nobody has to wait for, at the end of the process either.

    Given up, it is thrown out of pure Python; what waits inside of C code stays until it comes back.
    """
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[Any] = loop.create_future()

    def settle(answer: Any, error: Exception | None) -> None:
        if waiting.done():
            return
        if error is not None:
            waiting.set_exception(error)
        else:
            waiting.set_result(answer)

    def run() -> None:
        answer: Any = None
        error: Exception | None = None
        try:
            answer = work()
        except BaseException as raised:  # noqa: BLE001 - a plugin may raise anything, and must not go unheard
            error = RuntimeError(f"{type(raised).__name__}: {raised}")
        # The loop may be gone by the time a slow rule comes back.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, answer, error)

    thread = threading.Thread(target=run, name="refund-rule", daemon=True)
    thread.start()
    try:
        return await waiting
    finally:
        if waiting.cancelled():
            # Given up: a thread that computes for ever would take its share of every request.
            throw_into(thread.ident or 0, Overran)
