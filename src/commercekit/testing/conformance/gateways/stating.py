"""What the vendor says of the money afterwards: its statement, and the payer's bank."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from commercekit.kernel import Money
from commercekit.payments import (
    DisputeSnapshot,
    DisputeState,
    StatementKind,
    StatementLine,
    StatementPlan,
)
from commercekit.testing.conformance.gateways.rules import fail, hold, rule
from commercekit.testing.conformance.gateways.trial import Trial
from commercekit.testing.conformance.gateways.vendor import Asked

__all__ = ["StatingRules"]

_STATED = ("vendor", "statement")
_DISPUTED = ("vendor", "webhook", "disputes")


class StatingRules:
    """Rules of ``reconcile``, and of news about disputes."""

    @rule("states-what-moved", needs=_STATED)
    async def test_a_statement_has_what_came_and_what_went(self, trial: Trial) -> None:
        """Rule ``states-what-moved``: under our ids, what came above nothing and what went below."""
        asked = await trial.paid()
        refund = None
        if trial.able.refund:
            part = asked.amount.amount // (4 if trial.able.partial_refund else 1)
            refund = trial.refund_request(asked, Money(part, asked.amount.currency))
            await trial.refund(refund)
            if trial.able.refund_async:
                await trial.vendor.settle_refund(refund.refund_id, succeeds=True)
        lines = await _statement(trial, _over(trial))
        came = [
            line.amount
            for line in lines
            if line.kind is StatementKind.CHARGE and line.payment_id == asked.payment_id
        ]
        whole = sum(each.amount for each in came) == asked.amount.amount
        same = {each.currency for each in came} == {asked.amount.currency}
        hold("states-what-moved", whole and same, f"{asked.amount} came, and it says {came}")
        if refund is not None:
            went = [
                line.amount
                for line in lines
                if line.kind is StatementKind.REFUND and line.refund_id == refund.refund_id
            ]
            whole = sum(each.amount for each in went) == -refund.amount.amount
            hold("states-what-moved", whole, f"{refund.amount} went back, and it says {went}")
        aware = all(line.occurred_at.tzinfo is not None for line in lines)
        hold("states-what-moved", aware, "a moment without its offset to UTC")

    @rule("states-each-movement-once", needs=_STATED)
    async def test_a_statement_read_again_is_the_same(self, trial: Trial) -> None:
        """Rule ``states-each-movement-once``: the same lines, each under an id of its own."""
        for _ in range(2):
            await trial.paid()
        day = _over(trial)
        first, again = await _statement(trial, day), await _statement(trial, day)
        ids = [line.line_id for line in first]
        hold("states-each-movement-once", len(set(ids)) == len(ids), f"of {ids} some are the same")
        same = first == again
        hold("states-each-movement-once", same, f"{first} the first time, then {again}")

    @rule("names-what-is-disputed", needs=_DISPUTED)
    async def test_a_dispute_is_about_a_payment_of_ours(self, trial: Trial) -> None:
        """Rule ``names-what-is-disputed``: our payment, and no more than it was."""
        asked = await trial.paid()
        await trial.vendor.dispute(asked, DisputeState.NEEDS_RESPONSE)
        seen = await self._disputes("names-what-is-disputed", trial, asked)
        ours = seen[-1].payment_id == asked.payment_id and bool(seen[-1].dispute_id)
        hold(
            "names-what-is-disputed",
            ours,
            f"about {seen[-1].payment_id!r}, not {asked.payment_id!r}",
        )
        amount = seen[-1].amount
        fits = amount.currency == asked.amount.currency and 0 < amount.amount <= asked.amount.amount
        hold("names-what-is-disputed", fits, f"{amount} of {asked.amount}")
        open_ = seen[-1].state is DisputeState.NEEDS_RESPONSE
        hold("names-what-is-disputed", open_, f"{seen[-1].state}, and an answer is wanted")

    @rule("follows-disputes-to-their-end", needs=_DISPUTED)
    async def test_a_dispute_ends_as_it_was_decided(self, trial: Trial) -> None:
        """Rule ``follows-disputes-to-their-end``: won or lost, under the id it began with."""
        for end in (DisputeState.WON, DisputeState.LOST):
            asked = await trial.paid()
            for state in (DisputeState.NEEDS_RESPONSE, end):
                trial.clock.advance(seconds=1)
                await trial.vendor.dispute(asked, state)
            seen = await self._disputes("follows-disputes-to-their-end", trial, asked)
            ended = seen[-1].state is end
            hold("follows-disputes-to-their-end", ended, f"{seen[-1].state}, not {end}")
            one = len({each.dispute_id for each in seen}) == 1
            hold("follows-disputes-to-their-end", one, f"one dispute under several ids: {seen}")

    @staticmethod
    async def _disputes(name: str, trial: Trial, asked: Asked) -> list[DisputeSnapshot]:
        """What was told of disputes, the latest last."""
        told = [
            event for raw in await trial.told(asked) for event in (await trial.read(raw)).events
        ]
        seen = [event.dispute for event in told if event.dispute is not None]
        hold(name, bool(seen), "no notification tells of the dispute")
        return sorted(seen, key=lambda each: each.occurred_at)


def _over(trial: Trial) -> date:
    """Let time pass until the statement of today is there; gives the day, as the vendor counts."""
    plan = trial.able.statement or StatementPlan()
    now = trial.clock.now()
    day = (now + plan.utc_offset).date()
    over = datetime.combine(day + timedelta(days=1), time(), UTC) - plan.utc_offset
    trial.clock.advance(over + plan.ready_after + timedelta(minutes=1) - now)
    return day


async def _statement(trial: Trial, day: date) -> list[StatementLine]:
    async def read() -> list[StatementLine]:
        return [line async for line in trial.gateway.reconcile(trial.context, day)]

    lines = await trial.spoken(read(), list)
    strangers = [line for line in lines if not isinstance(line, StatementLine)]
    if strangers:
        fail("answers-in-our-words", f"a line of the statement is {strangers[0]!r}")
    return lines
