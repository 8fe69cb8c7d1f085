"""What a person has to see to: called for once, listed, settled by itself or by somebody."""

from __future__ import annotations

import pytest

from commercekit.kernel import Money, PageRequest, new_id
from commercekit.payments import (
    AttentionKind,
    AttentionNotFound,
    PaymentState,
    PaymentStatus,
    RefundExceedsCapture,
    RefundState,
    RefundStatus,
)
from commercekit.payments.service.attention import find_overdue
from commercekit.platform.providers import ProviderUnavailable, ProviderUnknown


def cny(amount):
    return Money(amount, "CNY")


async def kinds(till, *, resolved=False):
    page = await till.payments.attention_page(PageRequest(limit=100), resolved=resolved)
    return [item.kind.value for item in page.items]


async def overdue(till):
    return await find_overdue(till.payments._desk)


async def test_a_mismatch_calls_once_however_often_it_is_told(till):
    payment = await till.started()
    for number in range(3):
        event = {"id": f"e{number}", "payment": payment.id.hex, "state": "paid", "amount": 9_99}
        await till.notify(event)
    assert await kinds(till) == ["mismatch"]
    assert [alarm.kind for alarm in till.alarms] == ["mismatch"]
    counts = await till.payments.attention_counts()
    assert counts[AttentionKind.MISMATCH] == 1
    assert sum(counts.values()) == 1


async def test_a_person_resolves_it_in_their_own_name_once(till):
    payment = await till.started()
    await till.notify({"id": "e", "payment": payment.id.hex, "state": "paid", "amount": 9_99})
    [item] = (await till.payments.attention_page(PageRequest(limit=10))).items
    done = await till.payments.resolve_attention(
        item.id, actor="staff-1", resolution="sent back at the provider"
    )
    assert (done.resolved_by, done.resolution) == ("staff-1", "sent back at the provider")
    again = await till.payments.resolve_attention(item.id, actor="staff-2", resolution="me too")
    assert again == done
    assert await kinds(till) == []
    assert await kinds(till, resolved=True) == ["mismatch"]
    assert [(e.actor, e.action, e.reason) for e in till.audit.entries] == [
        ("staff-1", "payments:resolve-attention", "sent back at the provider")
    ]
    assert (await till.of(payment)).status is PaymentStatus.MISMATCH, "never paid by a click"


async def test_what_never_needed_anybody_cannot_be_resolved(till):
    with pytest.raises(AttentionNotFound):
        await till.payments.resolve_attention(new_id(), actor="s", resolution="x")
    assert till.audit.entries == []


async def test_a_capture_without_an_answer_is_an_alarm_after_an_hour_until_it_is_answered(till):
    payment = await till.held()
    till.gateway.fails("capture", before=ProviderUnknown())
    till.gateway.fails("query", before=ProviderUnavailable())
    await till.payments.capture(payment.id)
    till.clock.advance(minutes=59)
    assert await overdue(till) == 0
    till.clock.advance(minutes=1)
    assert await overdue(till) == 1
    assert await overdue(till) == 0, "one alarm, not one a minute"
    assert await kinds(till) == ["unanswered"]
    till.gateway.works("capture")
    till.gateway.works("query")
    await till.payments.sweep()
    assert (await till.of(payment)).status is PaymentStatus.PAID
    assert await kinds(till) == []
    assert await kinds(till, resolved=True) == ["unanswered"]


async def test_a_payment_that_cannot_be_closed_is_an_alarm(till):
    payment = await till.started(minutes=30)
    till.gateway.fails("query", before=ProviderUnavailable())
    till.gateway.fails("close", before=ProviderUnavailable())
    till.clock.advance(minutes=89)
    await till.payments.sweep()
    assert await overdue(till) == 0
    till.clock.advance(minutes=1)
    assert await overdue(till) == 1
    till.gateway.works("query")
    till.gateway.works("close")
    till.clock.advance(minutes=5)
    await till.payments.sweep()
    assert (await till.of(payment)).status is PaymentStatus.CLOSED
    assert await kinds(till) == []


async def test_a_refund_nobody_took_is_an_alarm_and_a_slow_one_is_not(till):
    payment = await till.paid()
    till.gateway.fails("refund", before=ProviderUnavailable())
    lost = await till.refunded(payment, 2_00)
    till.gateway.works("refund")
    till.gateway.script["refund-state"] = RefundState.PENDING
    slow = await till.refunded(payment, 3_00)
    till.clock.advance(hours=1)
    assert await overdue(till) == 1
    [item] = (await till.payments.attention_page(PageRequest(limit=10))).items
    assert item.refund_id == lost.id
    till.clock.advance(days=7)
    assert await overdue(till) == 1
    waiting = (await till.payments.attention_page(PageRequest(limit=10))).items
    assert {item.refund_id for item in waiting} == {lost.id, slow.id}


async def test_a_refund_that_failed_waits_for_a_person_until_it_is_tried_again(till):
    payment = await till.paid()
    till.gateway.script["refund-state"] = RefundState.FAILED
    failed = await till.refunded(payment, 4_00)
    assert await kinds(till) == ["refund-failed"]
    till.gateway.refunds.clear()
    till.gateway.script["refund-state"] = RefundState.SUCCEEDED
    done = await till.payments.retry_refund(failed.id, actor="s")
    assert done.status is RefundStatus.SUCCEEDED
    assert await kinds(till) == []


async def test_a_refund_that_comes_back_calls_a_person(till):
    payment = await till.paid()
    refund = await till.refunded(payment, 4_00)
    event = {
        "id": "e",
        "payment": payment.id.hex,
        "refund": refund.id.hex,
        "refund_state": "failed",
        "amount": 4_00,
    }
    await till.notify(event)
    assert await kinds(till) == ["refund-reversed"]
    assert (await till.of(payment)).refundable == cny(10_00)


async def test_success_after_failure_is_not_believed_without_a_person(till):
    payment = await till.paid()
    till.gateway.script["refund-state"] = RefundState.FAILED
    refund = await till.refunded(payment, 4_00)
    event = {
        "id": "e",
        "payment": payment.id.hex,
        "refund": refund.id.hex,
        "refund_state": "succeeded",
        "amount": 4_00,
    }
    await till.notify(event)
    assert (await till.payments.refund(refund.id)).status is RefundStatus.NEEDS_ATTENTION
    assert (await till.of(payment)).refund_pending == cny(4_00)
    done = await till.payments.confirm_refund(refund.id, actor="s", note="seen on the statement")
    assert done.status is RefundStatus.SUCCEEDED
    assert await kinds(till) == []


async def test_a_failed_refund_paid_out_another_way_is_confirmed_with_the_proof(till):
    payment = await till.paid()
    till.gateway.script["refund-state"] = RefundState.FAILED
    failed = await till.refunded(payment, 4_00)
    done = await till.payments.confirm_refund(failed.id, actor="s", note="bank transfer 17")
    assert done.status is RefundStatus.SUCCEEDED
    after = await till.of(payment)
    assert (after.refunded, after.refund_pending) == (cny(4_00), cny(0))
    steps = [
        (step.before, step.after, step.detail)
        for step in await till.payments.history(payment.id)
        if step.refund_id == failed.id
    ]
    assert steps[-2:] == [
        ("failed", "needs_attention", "bank transfer 17"),
        ("needs_attention", "succeeded", "bank transfer 17"),
    ]
    assert await kinds(till) == []


async def test_a_failed_refund_whose_money_went_another_way_is_not_confirmed(till):
    payment = await till.paid()
    till.gateway.script["refund-state"] = RefundState.FAILED
    failed = await till.refunded(payment, 6_00)
    till.gateway.script["refund-state"] = RefundState.SUCCEEDED
    await till.refunded(payment, 6_00)
    with pytest.raises(RefundExceedsCapture):
        await till.payments.confirm_refund(failed.id, actor="s")
    assert (await till.of(payment)).refunded == cny(6_00)


async def test_disputes_and_foreign_refunds_call_a_person(till):
    payment = await till.paid()
    dispute = {"id": "d", "kind": "dispute", "payment": payment.id.hex, "state": "paid"}
    await till.notify({**dispute, "amount": 10_00})
    await till.notify(
        {
            "id": "r",
            "payment": payment.id.hex,
            "refund": new_id().hex,
            "refund_state": "succeeded",
            "amount": 1_00,
        }
    )
    assert sorted(await kinds(till)) == ["dispute", "foreign-refund"]
    assert (await till.of(payment)).refunded == cny(0)


async def test_more_money_than_was_asked_after_payment_calls_a_person(till):
    payment = await till.paid()
    till.gateway.pay(payment.id.hex, PaymentState.PAID, cny(12_00))
    await till.payments.query(payment.id)
    assert (await till.of(payment)).captured == cny(10_00)
    assert await kinds(till) == ["capture-differs"]
