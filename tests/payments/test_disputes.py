"""The payer's bank asks for the money back: what is booked, who is called, what is left to refund."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from commercekit.kernel import Money, PageRequest, new_id
from commercekit.payments import (
    AttentionKind,
    Dispute,
    DisputeSnapshot,
    DisputeState,
    RefundExceedsCapture,
)
from commercekit.payments.rules import judge_dispute

NOW = datetime(2026, 11, 22, tzinfo=UTC)
_S = DisputeState


def cny(amount):
    return Money(amount, "CNY")


def told(state, hour=0, *, withdrawn=None):
    return DisputeSnapshot(
        dispute_id="dp_1",
        payment_id="p",
        state=state,
        amount=cny(900),
        withdrawn=None if withdrawn is None else cny(withdrawn),
        occurred_at=NOW + timedelta(hours=hour),
    )


def after(snapshots):
    """The dispute and the sums of what moved and was lost when these arrive in this order."""
    dispute, moved, lost = None, 0, 0
    for snapshot in snapshots:
        change = judge_dispute(dispute, snapshot)
        if change is None:
            continue
        moved, lost = moved + change.moved, lost + change.lost
        dispute = Dispute(
            id=new_id(), payment_id=new_id(), reference="r", gateway="g", account="a",
            dispute_ref="dp_1", state=change.state, amount=snapshot.amount,
            withdrawn=cny(change.withdrawn), reason="", evidence_due_at=snapshot.evidence_due_at,
            occurred_at=snapshot.occurred_at, opened_at=NOW, ended_at=None, updated_at=NOW,
            version=1,
        )  # fmt: skip
    return dispute.state, moved, lost


@pytest.mark.parametrize(
    ("story", "end"),
    [
        ([told(_S.INQUIRY, 1), told(_S.CLOSED, 2)], (_S.CLOSED, 0, 0)),
        ([told(_S.INQUIRY, 1), told(_S.NEEDS_RESPONSE, 2)], (_S.NEEDS_RESPONSE, 900, 0)),
        (
            [told(_S.NEEDS_RESPONSE, 1), told(_S.UNDER_REVIEW, 2), told(_S.WON, 3)],
            (_S.WON, 0, 0),
        ),
        ([told(_S.NEEDS_RESPONSE, 1), told(_S.LOST, 3)], (_S.LOST, 900, 900)),
        ([told(_S.NEEDS_RESPONSE, 1, withdrawn=0), told(_S.LOST, 1)], (_S.LOST, 900, 900)),
        (
            [told(_S.NEEDS_RESPONSE, 1), told(_S.WON, 3, withdrawn=900), told(_S.WON, 4)],
            (_S.WON, 0, 0),
        ),
        ([told(_S.LOST, 1), told(_S.WON, 9)], (_S.WON, 0, 0)),
    ],
)
def test_a_dispute_ends_the_same_however_its_news_arrives(story, end):
    for order in itertools.permutations(story):
        # Each may also come twice.
        assert after(order) == end, order
        assert after([each for each in order for _ in range(2)]) == end, order


async def test_money_is_held_back_while_it_is_disputed_and_given_back_when_won(till):
    payment = await till.paid(10_00)
    opened = {"payment": payment.id.hex, "dispute": "dp_1", "amount": 9_00}
    await till.notify({"id": "d1", "dispute_state": "needs_response", "hour": 1, **opened})
    now = await till.of(payment)
    assert (now.disputed, now.refundable, now.status) == (cny(9_00), cny(1_00), "paid")
    assert await till.balances(payment) == {
        "gateway:fake:default": 1_00,
        "disputed:fake:default": 9_00,
        "received": -10_00,
    }
    with pytest.raises(RefundExceedsCapture):
        await till.refunded(payment, 1_01)
    assert [alarm.kind for alarm in till.alarms] == ["dispute"]
    await till.notify({"id": "d2", "dispute_state": "won", "hour": 2, **opened})
    assert await till.balances(payment) == {
        "gateway:fake:default": 10_00,
        "disputed:fake:default": 0,
        "received": -10_00,
    }
    assert (await till.of(payment)).refundable == cny(10_00)
    assert till.names() == ["DisputeOpened", "DisputeWon"]
    assert (await till.payments.attention_counts())[AttentionKind.DISPUTE] == 0


async def test_a_dispute_that_is_lost_is_a_loss_and_calls_for_a_person(till):
    payment = await till.paid(10_00)
    lost = {"payment": payment.id.hex, "dispute": "dp_1", "amount": 10_00, "hour": 3}
    await till.notify({"id": "d1", "dispute_state": "lost", **lost})
    await till.notify({"id": "d0", "dispute_state": "needs_response", **lost, "hour": 1})
    assert await till.balances(payment) == {
        "gateway:fake:default": 0,
        "disputed:fake:default": 0,
        "dispute-losses": 10_00,
        "received": -10_00,
    }
    assert till.names() == ["DisputeOpened", "DisputeLost"]
    [attention] = (await till.payments.attention_page(PageRequest())).items
    assert (attention.kind, attention.detail) == ("dispute-lost", "dp_1: 10.00 CNY fraudulent")
    [dispute] = await till.payments.disputes_on(payment.id)
    assert (dispute.state, dispute.withdrawn, dispute.is_open) == ("lost", cny(10_00), False)


async def test_after_a_full_refund_a_dispute_takes_the_money_a_second_time(till):
    payment = await till.paid(10_00)
    await till.refunded(payment, 10_00)
    opened = {"payment": payment.id.hex, "dispute": "dp_1", "amount": 10_00, "hour": 1}
    await till.notify({"id": "d1", "dispute_state": "needs_response", **opened})
    now = await till.of(payment)
    assert (now.disputed, now.refundable) == (cny(10_00), cny(0))
    assert (await till.balances(payment))["gateway:fake:default"] == -10_00


async def test_the_same_news_twice_at_once_is_booked_once(till):
    payment = await till.paid(10_00)
    opened = {"payment": payment.id.hex, "dispute": "dp_1", "amount": 5_00, "hour": 1}
    event = {"id": "d1", "dispute_state": "needs_response", **opened}
    again = {"id": "other-id-same-news", "dispute_state": "needs_response", **opened}
    await till.notify(event, event, again)
    await till.notify(event)
    await till.notify(again)
    assert (await till.of(payment)).disputed == cny(5_00)
    assert till.names() == ["DisputeOpened"]


async def test_a_dispute_in_another_currency_books_nothing_and_calls_for_a_person(till):
    payment = await till.paid(10_00)
    opened = {"payment": payment.id.hex, "dispute": "dp_1", "amount": 5_00, "hour": 1}
    await till.notify({"id": "d1", "dispute_state": "lost", "currency": "USD", **opened})
    assert (await till.of(payment)).disputed == cny(0)
    assert await till.payments.disputes_on(payment.id) == []
    assert [alarm.kind for alarm in till.alarms] == ["dispute"]


async def test_a_dispute_told_to_another_merchant_account_moves_nothing(till):
    payment = await till.paid(10_00)
    opened = {"payment": payment.id.hex, "dispute": "dp_1", "amount": 5_00, "hour": 1}
    event = {"id": "d1", "dispute_state": "lost", **opened}
    await till.notify(event, account="other")
    assert (await till.of(payment)).disputed == cny(0)
    assert [alarm.kind for alarm in till.alarms] == ["dispute"]


async def test_a_dispute_of_a_payment_that_is_not_known_yet_comes_again(till):
    opened = {"payment": new_id().hex, "dispute": "dp_1", "amount": 5_00, "hour": 1}
    answer = await till.notify({"id": "d1", "dispute_state": "lost", **opened})
    assert (answer.status, answer.body) == (503, b"fail")
    assert await till.db.fetchval("SELECT count(*) FROM payments_dispute") == 0


async def test_what_another_system_sold_on_the_account_is_acknowledged(till):
    sold = {"payment": "INV-2026-0042", "state": "paid", "amount": 5_00}
    answer = await till.notify({"id": "n1", **sold})
    assert (answer.status, answer.body) == (200, b"success")
    assert await till.db.fetchval("SELECT count(*) FROM payments_payment") == 0
    assert till.told == []


async def test_who_has_not_answered_in_time_is_called(till):
    payment = await till.paid(10_00)
    due = till.clock.now() + timedelta(days=10)
    opened = {
        "payment": payment.id.hex,
        "dispute": "dp_1",
        "amount": 5_00,
        "hour": 1,
        "due": due.isoformat(),
    }
    await till.notify({"id": "d1", "dispute_state": "needs_response", **opened})
    alarm = next(kind for kind in till.payments.job_kinds() if kind.name == "payments.alarm")
    till.clock.advance(due - timedelta(days=3, minutes=1) - till.clock.now())
    await alarm.handler(None)
    assert [each.kind for each in till.alarms] == ["dispute"]
    till.clock.advance(days=1)
    await alarm.handler(None)
    await alarm.handler(None)
    assert [each.kind for each in till.alarms] == ["dispute", "evidence-due"]
    await till.notify({"id": "d2", "dispute_state": "under_review", **opened, "hour": 2})
    assert (await till.payments.attention_counts())[AttentionKind.EVIDENCE_DUE] == 0
    await alarm.handler(None)
    assert len(till.alarms) == 2


async def test_money_that_is_quarantined_lies_in_the_ledger_as_nobody_s(till):
    payment = await till.started(10_00)
    await till.notify({"id": "n1", "payment": payment.id.hex, "state": "paid", "amount": 9_99})
    assert await till.balances(payment) == {
        "gateway:fake:default": 9_99,
        "suspense:fake:default": -9_99,
    }
    assert (await till.of(payment)).captured == cny(0)
