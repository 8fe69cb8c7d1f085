"""A gateway that cannot be trusted: the same lies, in the same order, for the same seed."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from commercekit.payments import PaymentState, RefundState
from commercekit.platform.providers import ProviderUnavailable, ProviderUnknown
from commercekit_payment_sandbox.scenarios import Lie, RefundScenario, Scenario
from commercekit_payment_sandbox.settings import Lies

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

__all__ = ["Liar"]

T = TypeVar("T")

_PAYMENTS = {Lie.DECLINE: Scenario.DECLINE, Lie.SLOW: Scenario.ASYNC}
_REFUNDS = {
    Lie.REFUND_PENDING: RefundScenario.PENDING,
    Lie.REFUND_PENDING_FAIL: RefundScenario.PENDING_FAIL,
    Lie.REFUND_FAIL: RefundScenario.FAIL,
    Lie.REFUND_FAIL_LATER: RefundScenario.FAIL_LATER,
    Lie.REFUND_ATTENTION: RefundScenario.ATTENTION,
}


class Liar:
    """Decides when to lie.

    Every kind of lie throws dice of its own, so that adding one kind, or asking more often about
    another, changes nothing for the rest.

    ``place`` tells the parts of the sandbox apart (its gateway, its page, its jobs): each is called in
    an order of its own. :attr:`told` says what was lied, oldest first.
    """

    def __init__(self, lies: Lies | None = None, place: str = "") -> None:
        self.lies = lies = lies or Lies()
        self.told: list[Lie] = []
        self._forced: dict[Lie, int] = {}
        self._dice = {lie: random.Random(f"{lies.seed}/{place}/{lie}") for lie in Lie}

    @property
    def lying(self) -> bool:
        """Whether there is anything to fear at all."""
        return self.lies.seed is not None or bool(self._forced)

    def force(self, lie: Lie, times: int = 1) -> None:
        """Tell ``lie`` the next ``times`` it could be told, whatever the dice say."""
        self._forced[lie] = self._forced.get(lie, 0) + times

    def tells(self, lie: Lie) -> bool:
        """Whether to lie now."""
        forced = self._forced.get(lie, 0)
        if forced:
            self._forced[lie] = forced - 1
        elif self.lies.seed is None or self._dice[lie].random() >= self.lies.rate(lie):
            return False
        self.told.append(lie)
        return True

    def first_of(self, lies: Iterable[Lie]) -> Lie | None:
        """The first that is told now; the dice of all are thrown."""
        told = [lie for lie in lies if self.tells(lie)]
        return told[0] if told else None

    def delay(self) -> timedelta:
        """How late a late thing is."""
        longest = self.lies.late_seconds
        return timedelta(seconds=round(self._dice[Lie.DELAY].uniform(0.0, longest), 3))

    async def call(self, work: Callable[[], Awaitable[T]]) -> T:
        """Carry a call out, or not, and answer, or not."""
        lie = self.first_of((Lie.UNAVAILABLE, Lie.UNHEARD, Lie.UNANSWERED))
        if lie is Lie.UNAVAILABLE:
            raise ProviderUnavailable(retry_after=1, detail="the sandbox lies: unavailable")
        if lie is Lie.UNHEARD:
            raise ProviderUnknown(code="unheard")
        answer = await work()
        if lie is Lie.UNANSWERED:
            raise ProviderUnknown(code="unanswered")
        return answer

    def payment(self, scenario: Scenario) -> Scenario:
        """What becomes of a payment that would take the course ``scenario``."""
        if scenario is not Scenario.APPROVE:
            return scenario
        lie = self.first_of(_PAYMENTS)
        return scenario if lie is None else _PAYMENTS[lie]

    def refund(self, scenario: RefundScenario) -> RefundScenario:
        """What becomes of a refund that would take the course ``scenario``."""
        if scenario is not RefundScenario.SUCCEED:
            return scenario
        lie = self.first_of(_REFUNDS)
        return scenario if lie is None else _REFUNDS[lie]

    def state(self, state: PaymentState) -> PaymentState:
        """What a question about a payment is answered; one that ended may seem to be pending."""
        ended = state not in (PaymentState.PENDING, PaymentState.AUTHORISED)
        return PaymentState.PENDING if ended and self.tells(Lie.STALE) else state

    def refund_state(self, state: RefundState) -> RefundState:
        """What a question about a refund is answered; a known one may seem unknown."""
        return RefundState.UNKNOWN if self.tells(Lie.STALE) else state
