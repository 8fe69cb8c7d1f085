"""Statements are read day by day, compared with the books, and what differs waits for a person."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from commercekit.kernel import Money, PageRequest, new_id
from commercekit.payments import (
    AttentionKind,
    Decision,
    DifferenceKind,
    DifferenceNotBookable,
    DifferenceNotFound,
    PaymentStatus,
    RefundState,
    RefundStatus,
    StatementKind,
    StatementLine,
    StatementNotReady,
    StatementState,
    WebhookUnknown,
)
from commercekit.platform.providers import ProviderUnknown

_K = StatementKind


def cny(amount):
    return Money(amount, "CNY")


class Provider:
    """Writes the fake gateway's statements, day after day by China's midnight."""

    def __init__(self, till):
        self.till = till
        self.lines = 0

    @property
    def today(self):
        return (self.till.clock.now() + timedelta(hours=8)).date()

    def write(self, kind, amount, *, payment=None, refund=None, day=None, **more):
        self.lines += 1
        line = StatementLine(
            line_id=more.pop("line_id", f"L-{self.lines}"),
            kind=kind,
            amount=amount if isinstance(amount, Money) else cny(amount),
            payment_id=payment and payment.id.hex,
            refund_id=refund and refund.id.hex,
            occurred_at=self.till.clock.now(),
            **more,
        )
        self.till.gateway.statements.setdefault(day or self.today, []).append(line)
        return line

    def charge(self, payment, amount=None, **more):
        return self.write(_K.CHARGE, amount or payment.captured, payment=payment, **more)

    async def close_day(self):
        """Until eleven in the morning of the day after, when the statement is there."""
        self.till.gateway.statements.setdefault(self.today, [])
        local = self.till.clock.now() + timedelta(hours=8)
        morning = datetime(local.year, local.month, local.day, 11, tzinfo=UTC) + timedelta(days=1)
        self.till.clock.advance(morning - local)
        return await self.till.payments.reconcile_due()


@pytest.fixture
def provider(till):
    return Provider(till)


async def statements(till):
    return (await till.payments.statement_page(PageRequest())).items


async def differences(till, **which):
    return (await till.payments.difference_page(PageRequest(), **which)).items


async def held(till, account="gateway:fake:default"):
    found = await till.payments.balances(account=account)
    return {balance.currency: balance.balance for balance in found}


async def test_a_day_that_agrees_is_settled_with_its_fees_and_payout(till, provider):
    payment = await till.paid(10_00)
    refund = await till.refunded(payment, 4_00)
    provider.charge(payment, fee=cny(6))
    provider.write(_K.REFUND, -4_00, payment=payment, refund=refund, fee=cny(-2))
    provider.write(_K.FEE, -1_00, text="monthly")
    provider.write(_K.PAYOUT, -4_96, batch="po-1")
    assert await provider.close_day() == 1
    [statement] = await statements(till)
    assert (statement.state, statement.lines, statement.problem) == ("settled", 4, "")
    assert await differences(till) == []
    # What is left at the gateway is what the provider would say.
    assert await held(till) == {"CNY": 10_00 - 4_00 - 6 + 2 - 1_00 - 4_96}
    assert await held(till, "fees:*") == {"CNY": 1_04}
    assert await held(till, "bank") == {"CNY": 4_96}
    report = await till.payments.statement_report(statement.id)
    assert {(each.kind.value, each.outcome.value): (each.amount, each.fees) for each in report.sums} == {
        ("charge", "matched"): (10_00, 6),
        ("refund", "matched"): (-4_00, -2),
        ("fee", "booked"): (-1_00, 0),
        ("payout", "booked"): (-4_96, 0),
    }  # fmt: skip
    assert till.alarms == []


async def test_reading_it_again_books_nothing_twice(till, provider):
    payment = await till.paid(10_00)
    provider.charge(payment, fee=cny(6))
    day = provider.today
    await provider.close_day()
    before = await till.db.fetchval("SELECT count(*) FROM payments_ledger_entry")
    late = provider.write(_K.PAYOUT, -1_00, day=day)
    till.gateway.statements[day].reverse()
    again = await till.payments.reconcile("fake", "default", day)
    assert (again.state, again.lines) == ("settled", 2)
    assert await till.db.fetchval("SELECT count(*) FROM payments_ledger_entry") == before + 2
    await asyncio.gather(
        *(till.payments.reconcile("fake", "default", day) for _ in range(3)),
        till.payments.reconcile_due(),
    )
    assert await till.db.fetchval("SELECT count(*) FROM payments_ledger_entry") == before + 2
    assert late.line_id in {
        line.line_id
        for line in (await till.payments.statement_lines(again.id, PageRequest())).items
    }


async def test_what_the_books_did_not_know_is_asked_for_and_booked(till, provider):
    payment = await till.started(10_00)
    till.gateway.pay(payment.id.hex)  # nobody told
    other = await till.paid(5_00)
    till.gateway.script["refund-state"] = RefundState.PENDING
    refund = await till.refunded(other, 5_00)
    till.gateway.refunds = {
        key: type(each)(
            **{
                **{name: getattr(each, name) for name in each.__struct_fields__},
                "state": RefundState.SUCCEEDED,
            }
        )
        for key, each in till.gateway.refunds.items()
    }
    provider.write(_K.CHARGE, 10_00, payment=payment)
    provider.charge(other)
    provider.write(_K.REFUND, -5_00, payment=other, refund=refund)
    await provider.close_day()
    assert (await till.of(payment)).status is PaymentStatus.PAID
    assert (await till.payments.refund(refund.id)).status is RefundStatus.SUCCEEDED
    [statement] = await statements(till)
    assert statement.state is StatementState.SETTLED


async def test_what_differs_is_listed_and_calls_for_a_person_once(till, provider):
    paid = await till.paid(10_00)
    never = await till.started(3_00)
    provider.charge(paid, 9_00)
    provider.write(_K.CHARGE, 3_00, payment=never)
    provider.write(_K.CHARGE, 7_77, text="by hand")
    provider.write(_K.REFUND, -1_00, payment=paid)
    provider.write(_K.ADJUSTMENT, -5, text="rounding")
    await provider.close_day()
    found = {each.kind: each for each in await differences(till)}
    assert set(found) == {
        DifferenceKind.CHARGE_DIFFERS,
        DifferenceKind.NOT_PAID,
        DifferenceKind.UNKNOWN_PAYMENT,
        DifferenceKind.UNKNOWN_REFUND,
        DifferenceKind.ADJUSTMENT,
    }
    differs = found[DifferenceKind.CHARGE_DIFFERS]
    assert (differs.stated, differs.expected, differs.payment_id) == (
        cny(9_00),
        cny(10_00),
        paid.id,
    )
    assert found[DifferenceKind.NOT_PAID].detail in {"pending", "created"}
    # Nothing is booked by itself: the ledger has what the payment says.
    assert await held(till) == {"CNY": 10_00}
    [attention] = (await till.payments.attention_page(PageRequest())).items
    assert (attention.kind, attention.payment_id) == (AttentionKind.STATEMENT_DIFFERS, None)
    assert attention.detail.endswith(": 5 differences")
    # Looked at again by itself, every day, without another call.
    till.clock.advance(days=1)
    await till.payments.reconcile_due()
    assert len(await differences(till)) == 5
    assert (await till.payments.attention_counts())[AttentionKind.STATEMENT_DIFFERS] == 1


async def test_a_difference_that_comes_right_resolves_itself(till, provider):
    payment = await till.started(10_00)
    provider.write(_K.CHARGE, 10_00, payment=payment)
    await provider.close_day()
    [difference] = await differences(till)
    assert difference.kind is DifferenceKind.NOT_PAID
    await till.notify({"id": "n", "payment": payment.id.hex, "state": "paid", "amount": 10_00})
    till.clock.advance(days=1, hours=1)
    await till.payments.reconcile_due()
    assert await differences(till) == []
    [resolved] = await differences(till, resolved=True)
    assert (resolved.resolved_by, resolved.decision) == ("system", Decision.EXPLAINED)
    assert (await till.payments.attention_counts())[AttentionKind.STATEMENT_DIFFERS] == 0
    assert (await statements(till))[-1].state is StatementState.SETTLED


async def test_a_person_books_writes_off_or_explains(till, provider):
    paid = await till.paid(10_00)
    provider.charge(paid, 9_00)
    provider.write(_K.CHARGE, 7_77, text="by hand")
    provider.write(_K.ADJUSTMENT, -5, text="rounding")
    await provider.close_day()
    found = {each.kind: each.id for each in await differences(till)}

    async def decide(kind, decision):
        return await till.payments.resolve_difference(
            found[kind], decision=decision, actor="staff/ann", reason=f"because {decision}"
        )

    await decide(DifferenceKind.CHARGE_DIFFERS, Decision.WRITTEN_OFF)
    await asyncio.gather(*(decide(DifferenceKind.UNKNOWN_PAYMENT, Decision.BOOKED) for _ in "123"))
    done = await decide(DifferenceKind.ADJUSTMENT, Decision.EXPLAINED)
    assert (done.resolved_by, done.resolution) == ("staff/ann", "because explained")
    assert await held(till) == {"CNY": 9_00 + 7_77}
    assert await held(till, "written-off") == {"CNY": 1_00}
    assert await held(till, "suspense:fake:default") == {"CNY": -7_77}
    [statement] = await statements(till)
    assert statement.state is StatementState.SETTLED
    assert (await till.payments.attention_counts())[AttentionKind.STATEMENT_DIFFERS] == 0
    decided = [each for each in till.audit.entries if each.action == "payments:resolve-difference"]
    assert sorted(each.details["decision"] for each in decided) == [
        "booked",
        "explained",
        "written_off",
    ]
    with pytest.raises(DifferenceNotFound):
        await till.payments.resolve_difference(
            new_id(), decision=Decision.EXPLAINED, actor="a", reason="r"
        )


async def test_a_difference_without_an_amount_cannot_be_booked(till, provider):
    paid = await till.paid(10_00)
    provider.charge(paid)
    provider.write(_K.ADJUSTMENT, Money(0, "CNY"), text="nothing")
    await provider.close_day()
    [difference] = await differences(till)
    with pytest.raises(DifferenceNotBookable):
        await till.payments.resolve_difference(
            difference.id, decision=Decision.BOOKED, actor="a", reason="r"
        )
    assert len(await differences(till)) == 1
    assert till.audit.entries == []


async def test_what_the_books_have_and_no_statement_says_is_missing_a_day_later(till, provider):
    missing = await till.paid(10_00)
    stated = await till.paid(5_00)
    refund = await till.refunded(stated, 2_00)
    provider.charge(stated)
    await provider.close_day()
    assert await differences(till) == []
    await provider.close_day()
    found = {each.kind: each for each in await differences(till)}
    assert {kind: each.expected for kind, each in found.items()} == {
        DifferenceKind.CHARGE_MISSING: cny(10_00),
        DifferenceKind.REFUND_MISSING: cny(-2_00),
    }
    assert found[DifferenceKind.CHARGE_MISSING].payment_id == missing.id
    # It comes on a later statement after all.
    provider.charge(missing)
    provider.write(_K.REFUND, -2_00, payment=stated, refund=refund)
    await provider.close_day()
    till.clock.advance(days=1)
    await till.payments.reconcile_due()
    assert await differences(till) == []


async def test_every_day_is_asked_for_also_those_the_shop_was_away(till, provider):
    payment = await till.paid(10_00)
    provider.charge(payment)
    await provider.close_day()
    first = provider.today
    till.clock.advance(days=4)
    for n in range(4):
        till.gateway.statements.setdefault(first + timedelta(days=n), [])
    await till.payments.reconcile_due()
    found = await statements(till)
    assert [each.day for each in found] == [first + timedelta(days=n) for n in (3, 2, 1, 0, -1)]
    assert {each.state for each in found} == {StatementState.SETTLED}


async def test_no_statement_is_asked_for_before_an_account_was_used(till):
    till.clock.advance(days=3)
    assert await till.payments.reconcile_due() == 0
    assert till.gateway.calls == []


async def test_half_a_statement_books_nothing_and_is_read_again(till, provider):
    payment = await till.paid(10_00)
    provider.charge(payment, fee=cny(6))
    till.gateway.fails("reconcile", after=ProviderUnknown("broken-off", "broken off"))
    await provider.close_day()
    [statement] = await statements(till)
    assert statement.state is StatementState.WAITING
    assert "broken off" in statement.problem
    assert await held(till) == {"CNY": 10_00}
    till.gateway.works("reconcile")
    till.clock.advance(hours=1)
    await till.payments.reconcile_due()
    assert await held(till) == {"CNY": 9_94}
    assert (await statements(till))[0].state is StatementState.SETTLED


async def test_a_statement_that_cannot_be_had_calls_for_a_person_after_two_days(till, provider):
    await till.paid(10_00)
    till.gateway.fails("reconcile", before=ProviderUnknown("down", "down"))
    await provider.close_day()
    assert (await till.payments.attention_counts())[AttentionKind.STATEMENT_MISSING] == 0
    for _ in range(3):
        till.clock.advance(days=1)
        await till.payments.reconcile_due()
    waiting = (await till.payments.attention_counts())[AttentionKind.STATEMENT_MISSING]
    assert waiting >= 1
    till.gateway.works("reconcile")
    for day in range(5):
        till.gateway.statements.setdefault(provider.today - timedelta(days=day), [])
    till.clock.advance(days=1)
    await till.payments.reconcile_due()
    assert (await till.payments.attention_counts())[AttentionKind.STATEMENT_MISSING] == 0


async def test_what_cannot_be_read_yet_says_when(till, provider):
    await till.paid(10_00)
    with pytest.raises(StatementNotReady):
        await till.payments.reconcile("fake", "default", provider.today)
    with pytest.raises(WebhookUnknown):
        await till.payments.reconcile("fake", "nowhere", provider.today - timedelta(days=3))
    assert await statements(till) == []
