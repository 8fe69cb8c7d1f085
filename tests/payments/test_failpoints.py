"""The process dies at every failpoint there is, found by reading the code; the retry does it once."""

from __future__ import annotations

import ast
from datetime import timedelta
from pathlib import Path

import pytest

import commercekit.payments
from commercekit.kernel import Money, PageRequest, new_id
from commercekit.payments import (
    Decision,
    Flow,
    HandInWish,
    Operation,
    PaymentState,
    PaymentStatus,
    RefundState,
    RefundStatus,
    StatementKind,
    StatementLine,
)
from commercekit.platform import failpoints
from commercekit.platform.failpoints import FailpointReached


def cny(amount):
    return Money(amount, "CNY")


def names_in(folder):
    """Every name given to ``failpoint`` below ``folder``; those made of an operation, for each."""
    found = set()
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "failpoint":
                [name] = node.args
                if isinstance(name, ast.Constant):
                    found.add(name.value)
                else:
                    [*parts] = name.values
                    for operation in Operation:
                        found.add(
                            "".join(
                                part.value if isinstance(part, ast.Constant) else operation.value
                                for part in parts
                            )
                        )
    return found


NAMES = sorted(names_in(Path(commercekit.payments.__file__).parent))


async def start(till):
    payment = await till.intend()
    yield lambda: till.payments.start(payment.id)
    again = await till.payments.start(payment.id)
    assert again.status is PaymentStatus.PENDING
    assert len(till.gateway.charges) == 1
    assert till.names() == ["PaymentPending"]


async def notify(till):
    payment = await till.started()
    event = {"id": "e", "payment": payment.id.hex, "state": "paid", "amount": 10_00}
    yield lambda: till.notify(event)
    assert (await till.of(payment)).captured == cny(10_00)
    assert till.names().count("PaymentPaid") == 1
    assert len(await till.payments.ledger(payment.id)) == 2


async def query(till):
    payment = await till.started()
    till.gateway.pay(payment.id.hex)
    yield lambda: till.payments.query(payment.id)
    assert till.names().count("PaymentPaid") == 1
    assert len(await till.payments.ledger(payment.id)) == 2


async def close(till):
    payment = await till.started()
    yield lambda: till.payments.close(payment.id)
    assert (await till.of(payment)).status is PaymentStatus.CLOSED
    assert till.names().count("PaymentClosed") == 1


async def capture(till):
    payment, command = await till.held(), new_id()
    yield lambda: till.payments.capture(payment.id, cny(6_00), final=False, operation_id=command)
    after = await till.of(payment)
    assert (after.captured, after.operation) == (cny(6_00), None)
    assert len(await till.payments.ledger(payment.id)) == 2
    assert [entry.action for entry in till.audit.entries] == ["payments:capture"]


async def void(till):
    payment, command = await till.held(), new_id()
    yield lambda: till.payments.void(payment.id, operation_id=command)
    after = await till.of(payment)
    assert (after.status, after.operation) == (PaymentStatus.CLOSED, None)
    assert till.names() == ["PaymentClosed"]


async def refund(till):
    payment, command = await till.paid(), new_id()
    yield lambda: till.refunded(payment, 4_00, refund_id=command)
    after = await till.of(payment)
    assert (after.refunded, after.refund_pending) == (cny(4_00), cny(0))
    assert len(till.gateway.refunds) == 1
    assert till.names() == ["RefundCreated", "RefundSucceeded"]


async def retry(till):
    payment, command = await till.paid(), new_id()
    till.gateway.script["refund-state"] = RefundState.FAILED
    failed = await till.refunded(payment, 4_00)
    till.gateway.refunds.clear()
    till.gateway.script["refund-state"] = RefundState.SUCCEEDED
    till.told.clear()
    yield lambda: till.payments.retry_refund(failed.id, actor="s", operation_id=command)
    after = await till.of(payment)
    assert (after.refunded, after.refund_pending) == (cny(4_00), cny(0))
    assert till.names() == ["RefundCreated", "RefundSucceeded"]


async def confirm(till):
    payment, command = await till.paid(), new_id()
    till.gateway.script["refund-state"] = RefundState.NEEDS_ATTENTION
    waiting = await till.refunded(payment, 4_00)
    yield lambda: till.payments.confirm_refund(waiting.id, actor="s", operation_id=command)
    assert (await till.payments.refund(waiting.id)).status is RefundStatus.SUCCEEDED
    assert (await till.of(payment)).refunded == cny(4_00)
    assert till.names().count("RefundSucceeded") == 1
    assert [entry.action for entry in till.audit.entries] == ["refunds:confirm"]


async def collect(till):
    payment, command = await till.intend(), new_id()
    await till.db.execute(
        "UPDATE payments_payment SET flow = $1 WHERE id = $2", Flow.OFFLINE.value, payment.id
    )
    yield lambda: till.payments.record_collection(
        payment.id, cny(10_00), actor="s", operation_id=command
    )
    assert (await till.of(payment)).captured == cny(10_00)
    assert till.names() == ["PaymentPaid"]
    assert len(till.audit.entries) == 1


async def collected(till):
    """A payment whose money somebody has and has not handed in."""
    story = collect(till)
    payment = await (await anext(story))()
    till.audit.entries.clear()
    return payment


def slip(till, payment, command):
    return till.payments.record_hand_in(
        command,
        gateway=payment.gateway,
        slip="S-1",
        wanted=[HandInWish(payment_id=payment.id)],
        amount=cny(9_00),
        fee=cny(1_00),
        actor="s",
    )


async def hand_in(till):
    payment, command = await collected(till), new_id()
    yield lambda: slip(till, payment, command)
    assert await till.payments.cash_sums() == []
    assert [one.balance for one in await till.payments.balances(account="bank")] == [9_00]
    assert [entry.action for entry in till.audit.entries] == ["payments:hand-in"]


async def cancel(till):
    payment, command = await collected(till), new_id()
    await slip(till, payment, command)
    yield lambda: till.payments.cancel_hand_in(command, actor="s", reason="another day's")
    [held] = await till.payments.cash_sums()
    assert held.left == cny(10_00)
    assert [one.balance for one in await till.payments.balances(account="bank")] == [0]
    assert [entry.action for entry in till.audit.entries][1:] == ["payments:cancel-hand-in"]


async def sweep(till):
    payment = await till.started()
    till.gateway.pay(payment.id.hex, PaymentState.PAID)
    till.clock.advance(seconds=30)

    async def later():
        await till.payments.sweep()

    yield later
    assert (await till.of(payment)).status is PaymentStatus.PENDING, "claimed by the dead"
    till.clock.advance(minutes=2)
    await till.payments.sweep()
    assert (await till.of(payment)).status is PaymentStatus.PAID
    assert till.names().count("PaymentPaid") == 1


async def resolve(till):
    payment = await till.started()
    await till.notify({"id": "e", "payment": payment.id.hex, "state": "paid", "amount": 9_99})
    [item] = (await till.payments.attention_page(PageRequest(limit=10))).items
    yield lambda: till.payments.resolve_attention(item.id, actor="s", resolution="done")
    assert len(till.audit.entries) == 1


async def reconcile(till):
    payment = await till.paid()
    day = (till.clock.now() + timedelta(hours=8)).date()
    line = StatementLine(
        line_id="L-1",
        kind=StatementKind.CHARGE,
        amount=cny(10_00),
        fee=cny(6),
        payment_id=payment.id.hex,
        occurred_at=till.clock.now(),
    )
    till.gateway.statements = {day: [line], day + timedelta(days=1): []}
    till.clock.advance(days=2, hours=20)

    async def later():
        till.clock.advance(hours=1)  # longer than a dead process keeps a statement
        await till.payments.reconcile_due()

    yield later
    read = (await till.payments.statement_page(PageRequest())).items
    assert {
        each.day: each.state for each in read if each.day in till.gateway.statements
    } == dict.fromkeys(till.gateway.statements, "settled")
    entries = await till.payments.ledger(payment.id)
    assert [entry.kind for entry in entries] == ["capture", "capture", "fee", "fee"]


async def difference(till):
    await till.paid()
    day = (till.clock.now() + timedelta(hours=8)).date()
    moment = till.clock.now()
    odd = StatementLine(
        line_id="L-1", kind=StatementKind.ADJUSTMENT, amount=cny(-5), occurred_at=moment
    )
    till.gateway.statements = {day: [odd]}
    till.clock.advance(days=1, hours=20)
    await till.payments.reconcile("fake", "default", day)
    [found] = (await till.payments.difference_page(PageRequest())).items
    yield lambda: till.payments.resolve_difference(
        found.id, decision=Decision.BOOKED, actor="s", reason="rounding"
    )
    assert len(till.audit.entries) == 1
    assert [one.balance for one in await till.payments.balances(account="suspense:*")] == [5]


STORIES = {
    "payments.asking": start,
    "payments.asked": start,
    "payments.started": start,
    "payments.notification-verified": notify,
    "payments.notification-booked": notify,
    "payments.query-answered": query,
    "payments.close-answered": close,
    "payments.capture-intended": capture,
    "payments.capture-answered": capture,
    "payments.capture-booked": capture,
    "payments.void-intended": void,
    "payments.void-answered": void,
    "payments.void-booked": void,
    "payments.refund-written": refund,
    "payments.refund-intended": refund,
    "payments.refund-answered": refund,
    "payments.refund-booked": refund,
    "payments.refund-retried": retry,
    "payments.refund-confirmed": confirm,
    "payments.collection-booked": collect,
    "payments.handed-in": hand_in,
    "payments.hand-in-cancelled": cancel,
    "payments.sweep-claimed": sweep,
    "payments.attention-resolved": resolve,
    "payments.statements-expected": reconcile,
    "payments.statement-claimed": reconcile,
    "payments.statement-part-kept": reconcile,
    "payments.statement-read": reconcile,
    "payments.statement-asked": reconcile,
    "payments.statement-decided": reconcile,
    "payments.statement-missing-found": reconcile,
    "payments.statement-ended": reconcile,
    "payments.difference-resolved": difference,
}


def test_every_failpoint_has_its_story():
    assert sorted(STORIES) == NAMES


@pytest.mark.parametrize("name", NAMES)
async def test_dying_there_and_trying_again_does_it_once(till, monkeypatch, name):
    story = STORIES[name](till)
    act = await anext(story)
    monkeypatch.setitem(failpoints._MODES, name, "raise")
    with pytest.raises(FailpointReached):
        await act()
    monkeypatch.delitem(failpoints._MODES, name)
    await act()
    with pytest.raises(StopAsyncIteration):
        await anext(story)
