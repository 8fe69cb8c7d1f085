from __future__ import annotations

import asyncio

import pytest

from commercekit.errors import InvalidTransition
from commercekit.kernel import Money, new_id
from commercekit.payments import (
    CaptureExceedsAuthorisation,
    GatewayUnavailable,
    NotCollectable,
    Operation,
    OperationInProgress,
    PaymentPaid,
    PaymentRefused,
    PaymentState,
    PaymentStatus,
)
from commercekit.platform.providers import ProviderRejected, ProviderUnavailable, ProviderUnknown


def cny(amount):
    return Money(amount, "CNY")


async def test_held_money_is_told_and_not_yet_booked(till):
    payment = await till.started(method="held")
    till.gateway.pay(payment.id.hex, PaymentState.AUTHORISED)
    held = await till.payments.query(payment.id)
    assert (held.status, held.authorised, held.captured) == (
        PaymentStatus.AUTHORISED,
        cny(10_00),
        cny(0),
    )
    assert till.names() == ["PaymentPending", "PaymentAuthorised"]
    assert await till.payments.ledger(payment.id) == []


async def test_capture_takes_all_that_is_held(till):
    payment = await till.held()
    taken = await till.payments.capture(payment.id, actor="staff-1")
    assert (taken.status, taken.captured) == (PaymentStatus.PAID, cny(10_00))
    assert [(type(e), e.amount) for e in till.told] == [(PaymentPaid, 10_00)]
    assert [(e.actor, e.action) for e in till.audit.entries] == [("staff-1", "payments:capture")]


async def test_part_of_it_may_be_taken(till):
    payment = await till.held()
    taken = await till.payments.capture(payment.id, cny(6_00))
    assert (taken.status, taken.captured, taken.operation) == (PaymentStatus.PAID, cny(6_00), None)
    assert await till.balances(payment) == {"gateway:fake:default": 6_00, "received": -6_00}


@pytest.mark.parametrize("amount", [cny(10_01), cny(0), cny(-1), Money(10_00, "USD")])
async def test_more_than_is_held_is_never_taken(till, amount):
    payment = await till.held()
    with pytest.raises(CaptureExceedsAuthorisation):
        await till.payments.capture(payment.id, amount)
    assert "capture" not in till.gateway.calls
    assert (await till.of(payment)).operation is None


async def test_second_capture_is_refused(till):
    payment = await till.held()
    await till.payments.capture(payment.id, cny(6_00))
    with pytest.raises(InvalidTransition):
        await till.payments.capture(payment.id, cny(4_00))
    assert till.gateway.calls.count("capture") == 1


async def test_the_same_capture_command_again_is_no_second_capture(till):
    payment = await till.held()
    command = new_id()
    first = await till.payments.capture(payment.id, cny(6_00), operation_id=command)
    again = await till.payments.capture(payment.id, cny(6_00), operation_id=command)
    assert again == first
    assert till.gateway.calls.count("capture") == 1


async def test_nothing_is_captured_before_it_is_authorised(till):
    payment = await till.started(method="held")
    with pytest.raises(PaymentRefused):
        await till.payments.capture(payment.id)
    assert "capture" not in till.gateway.calls


async def test_a_capture_without_an_answer_is_looked_into(till):
    payment = await till.held()
    till.gateway.fails("capture", after=ProviderUnknown())
    waiting = await till.payments.capture(payment.id)
    assert (waiting.status, waiting.operation) == (PaymentStatus.AUTHORISED, Operation.CAPTURE)
    till.clock.advance(seconds=30)
    assert await till.payments.sweep() == 1
    taken = await till.of(payment)
    assert (taken.status, taken.captured, taken.operation) == (
        PaymentStatus.PAID,
        cny(10_00),
        None,
    )
    assert till.gateway.calls.count("capture") == 1


async def test_a_capture_that_never_arrived_is_asked_for_again(till):
    payment = await till.held()
    till.gateway.fails("capture", before=ProviderUnavailable())
    await till.payments.capture(payment.id, cny(6_00))
    till.gateway.works("capture")
    till.clock.advance(seconds=30)
    await till.payments.sweep()
    assert (await till.of(payment)).captured == cny(6_00)


async def test_a_crash_in_the_middle_of_a_capture_takes_the_money_once(till, crash):
    payment = await till.held()
    command = new_id()
    till.gateway.fails("capture", after=crash())
    with pytest.raises(crash):
        await till.payments.capture(payment.id, operation_id=command)
    till.gateway.works("capture")
    taken = await till.payments.capture(payment.id, operation_id=command)
    assert (taken.status, taken.captured) == (PaymentStatus.PAID, cny(10_00))
    assert till.gateway.calls.count("capture") == 1


async def test_another_wish_waits_for_the_answer_to_the_first(till):
    payment = await till.held()
    till.gateway.fails("capture", before=ProviderUnavailable())
    await till.payments.capture(payment.id, cny(6_00))
    with pytest.raises(OperationInProgress):
        await till.payments.capture(payment.id, cny(7_00))
    with pytest.raises(OperationInProgress):
        await till.payments.void(payment.id)


async def test_a_capture_the_gateway_refuses_leaves_the_money_held(till):
    payment = await till.held()
    till.gateway.fails("capture", before=ProviderRejected("expired"))
    with pytest.raises(PaymentRefused):
        await till.payments.capture(payment.id)
    held = await till.of(payment)
    assert (held.status, held.operation) == (PaymentStatus.AUTHORISED, None)


async def test_two_captures_at_once_take_the_money_once(till):
    payment = await till.held()
    outcomes = await asyncio.gather(
        till.payments.capture(payment.id), till.payments.capture(payment.id), return_exceptions=True
    )
    assert any(getattr(one, "status", None) is PaymentStatus.PAID for one in outcomes)
    assert (await till.of(payment)).captured == cny(10_00)
    assert len(await till.payments.ledger(payment.id)) == 2


async def test_void_lets_the_money_go(till):
    payment = await till.held()
    gone = await till.payments.void(payment.id, actor="staff-1")
    assert (gone.status, gone.authorised) == (PaymentStatus.CLOSED, cny(0))
    assert till.names() == ["PaymentClosed"]


async def test_void_after_capture_is_refused(till):
    payment = await till.held()
    await till.payments.capture(payment.id)
    with pytest.raises(InvalidTransition):
        await till.payments.void(payment.id)
    assert "void" not in till.gateway.calls


async def test_query_and_close_say_when_the_gateway_is_silent(till):
    payment = await till.started()
    for verb in ("query", "close"):
        till.gateway.fails(verb, before=ProviderUnavailable())
    with pytest.raises(GatewayUnavailable):
        await till.payments.query(payment.id)
    with pytest.raises(GatewayUnavailable):
        await till.payments.close(payment.id)
    assert (await till.of(payment)).status is PaymentStatus.PENDING


async def test_money_of_a_gateway_that_tells_by_itself_is_not_collected_by_hand(till):
    payment = await till.started()
    with pytest.raises(NotCollectable):
        await till.payments.record_collection(payment.id, payment.amount, actor="staff-1")
    assert till.audit.entries == []
