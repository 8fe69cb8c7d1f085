"""Several captures within one authorisation."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from commercekit.errors import Conflict, InvalidTransition
from commercekit.kernel import Money, new_id
from commercekit.payments import (
    CaptureExceedsAuthorisation,
    Operation,
    PaymentState,
    PaymentStatus,
    RefundExceedsCapture,
)
from commercekit.platform.providers import ProviderUnknown


def cny(amount):
    return Money(amount, "CNY")


async def test_what_is_held_is_taken_in_parts_until_the_last(till):
    payment = await till.held()
    first = await till.payments.capture(payment.id, cny(3_00), final=False)
    assert (first.status, first.captured, first.held) == (
        PaymentStatus.AUTHORISED,
        cny(3_00),
        cny(7_00),
    )
    assert [(e.amount, e.captured) for e in till.told] == [(3_00, 3_00)]
    second = await till.payments.capture(payment.id, cny(2_00), final=False)
    assert (second.captured, second.operation) == (cny(5_00), None)
    last = await till.payments.capture(payment.id, cny(4_00))
    assert (last.status, last.captured, last.held) == (PaymentStatus.PAID, cny(9_00), cny(0))
    assert till.names() == ["PaymentCaptured", "PaymentCaptured", "PaymentPaid"]
    assert await till.balances(payment) == {"gateway:fake:default": 9_00, "received": -9_00}
    summary = await till.payments.summary(None, payment.reference)
    assert (summary.captured, summary.authorised) == (9_00, 0)


async def test_what_is_taken_and_what_is_held_are_told_apart(till):
    payment = await till.held()
    await till.payments.capture(payment.id, cny(3_00), final=False)
    summary = await till.payments.summary(None, payment.reference)
    assert (summary.captured, summary.authorised) == (3_00, 7_00)


async def test_all_parts_together_never_exceed_the_authorisation(till):
    payment = await till.held()
    await till.payments.capture(payment.id, cny(6_00), final=False)
    with pytest.raises(CaptureExceedsAuthorisation):
        await till.payments.capture(payment.id, cny(4_01), final=False)
    assert (await till.of(payment)).captured == cny(6_00)
    assert till.gateway.calls.count("capture") == 1


async def test_the_part_that_takes_the_rest_is_the_last(till):
    payment = await till.held()
    await till.payments.capture(payment.id, cny(6_00), final=False)
    done = await till.payments.capture(payment.id, cny(4_00), final=False)
    assert (done.status, done.captured) == (PaymentStatus.PAID, cny(10_00))
    with pytest.raises(InvalidTransition):
        await till.payments.capture(payment.id, cny(1))


async def test_giving_up_the_rest_keeps_what_was_taken(till):
    payment = await till.held()
    await till.payments.capture(payment.id, cny(6_00), final=False)
    done = await till.payments.void(payment.id)
    assert (done.status, done.captured, done.operation) == (PaymentStatus.PAID, cny(6_00), None)
    assert till.names() == ["PaymentCaptured", "PaymentPaid"]
    assert await till.balances(payment) == {"gateway:fake:default": 6_00, "received": -6_00}


async def test_an_authorisation_that_runs_out_keeps_what_was_taken(till):
    payment = await till.held()
    await till.payments.capture(payment.id, cny(6_00), final=False)
    event = {"id": "e", "payment": payment.id.hex, "state": "closed", "amount": 10_00}
    await till.notify(event)
    done = await till.of(payment)
    assert (done.status, done.captured) == (PaymentStatus.PAID, cny(6_00))


async def test_the_same_command_again_takes_no_second_part(till):
    payment = await till.held()
    command = new_id()
    for _ in range(2):
        taken = await till.payments.capture(
            payment.id, cny(3_00), final=False, operation_id=command
        )
    assert taken.captured == cny(3_00)
    assert till.gateway.calls.count("capture") == 1
    other = await till.payments.capture(payment.id, cny(3_00), final=False, operation_id=new_id())
    assert other.captured == cny(6_00), "the same amount, and another command"


async def test_a_part_without_an_answer_is_looked_into_and_taken_once(till):
    payment = await till.held()
    await till.payments.capture(payment.id, cny(2_00), final=False)
    till.gateway.fails("capture", after=ProviderUnknown())
    waiting = await till.payments.capture(payment.id, cny(3_00), final=False)
    assert (waiting.captured, waiting.operation) == (cny(2_00), Operation.CAPTURE)
    till.gateway.works("capture")
    till.clock.advance(seconds=30)
    await till.payments.sweep()
    taken = await till.of(payment)
    assert (taken.status, taken.captured, taken.operation) == (
        PaymentStatus.AUTHORISED,
        cny(5_00),
        None,
    )
    assert till.gateway.calls.count("capture") == 2


async def test_two_parts_at_once_take_one_after_the_other_or_one(till):
    payment = await till.held()
    outcomes = await asyncio.gather(
        till.payments.capture(payment.id, cny(6_00), final=False),
        till.payments.capture(payment.id, cny(5_00), final=False),
        return_exceptions=True,
    )
    assert sum(isinstance(one, Conflict) for one in outcomes) == 1
    assert (await till.of(payment)).captured in (cny(6_00), cny(5_00))


async def test_old_news_of_a_part_change_nothing(till):
    payment = await till.held()
    await till.payments.capture(payment.id, cny(6_00), final=False)
    for captured in (2_00, 6_00):
        event = {
            "id": f"e{captured}",
            "payment": payment.id.hex,
            "state": "authorised",
            "amount": 10_00,
            "captured": captured,
        }
        await till.notify(event)
    assert (await till.of(payment)).captured == cny(6_00)
    assert len(await till.payments.ledger(payment.id)) == 2


async def test_a_part_that_the_gateway_tells_of_by_itself_is_booked(till):
    payment = await till.held()
    event = {
        "id": "e",
        "payment": payment.id.hex,
        "state": "authorised",
        "amount": 10_00,
        "captured": 4_00,
    }
    await till.notify(event)
    await till.notify(event)
    taken = await till.of(payment)
    assert (taken.status, taken.captured) == (PaymentStatus.AUTHORISED, cny(4_00))
    assert till.names() == ["PaymentCaptured"]


async def test_what_was_taken_in_part_can_go_back_and_no_more(till):
    payment = await till.held()
    await till.payments.capture(payment.id, cny(6_00), final=False)
    with pytest.raises(RefundExceedsCapture):
        await till.refunded(payment, 6_01)
    await till.refunded(payment, 6_00)
    assert (await till.of(payment)).refunded == cny(6_00)


async def test_a_gateway_that_captures_once_is_not_asked_for_parts(till):
    till.gateway.capabilities = msgspec.structs.replace(
        till.gateway.capabilities, multi_capture=False
    )
    payment = await till.held()
    with pytest.raises(CaptureExceedsAuthorisation, match="once only"):
        await till.payments.capture(payment.id, cny(6_00), final=False)
    assert "capture" not in till.gateway.calls
    assert (await till.payments.capture(payment.id, cny(6_00))).status is PaymentStatus.PAID


async def test_less_than_was_taken_is_seen_to_by_a_person(till):
    payment = await till.held()
    await till.payments.capture(payment.id, cny(6_00), final=False)
    till.gateway.pay(payment.id.hex, PaymentState.PAID, cny(5_00))
    seen = await till.payments.query(payment.id)
    assert (seen.status, seen.captured) == (PaymentStatus.AUTHORISED, cny(6_00))
    assert [alarm.kind for alarm in till.alarms] == ["capture-differs"]


async def test_money_held_for_nothing_is_given_up_by_the_sweep(till):
    payment = await till.held()
    assert await till.db.run(
        lambda uow: till.payments.give_up(uow, payment.id, reason="authorised twice")
    )
    assert (await till.of(payment)).operation is Operation.VOID
    await till.payments.sweep()
    assert (await till.of(payment)).status is PaymentStatus.CLOSED
    assert till.gateway.calls.count("void") == 1
    assert not await till.db.run(lambda uow: till.payments.give_up(uow, payment.id, reason="again"))
