"""What is known to go wrong with this vendor, by name."""

from __future__ import annotations

import json

import httpx
import msgspec
import pytest

from commercekit.kernel import Money
from commercekit.payments import (
    CaptureMode,
    EventKind,
    PaymentState,
    Redirect,
    RefundState,
)
from commercekit.platform.providers import (
    ProviderRejected,
    ProviderUnknown,
)
from commercekit_payment_stripe.fake import Way

from .conftest import foreign_intent, refund_request, uuid7


async def test_three_deliveries_of_one_event_have_one_id(paid, vendor, gateway, context, clock):
    asked = await paid()
    ids = []
    for _ in range(3):
        clock.advance(minutes=1)
        *_, raw = await vendor.notifications(asked.payment_id)
        ids += [event.event_id for event in (await gateway.parse_notification(context, raw)).events]
    assert len(ids) == 3
    assert len(set(ids)) == 1


async def test_completed_and_unpaid_is_not_paid(paid, news, gateway, context, vendor, clock):
    asked = await paid(Way.BANK)
    states = [event.payment.state for event in await news(asked) if event.payment]
    assert states == [PaymentState.PENDING]
    seen = await gateway.query(context, asked.payment_id, asked.provider_ref)
    assert (seen.state, seen.captured) == (PaymentState.PENDING, None)
    clock.advance(seconds=10)
    told = [event.payment for event in await news(asked) if event.payment]
    assert [each.state for each in told] == [
        PaymentState.PENDING,
        PaymentState.PAID,
        PaymentState.PAID,
    ]
    assert told[-1].captured == asked.amount


async def test_a_bank_that_says_no_after_the_page_ends_the_payment(
    paid, news, gateway, context, clock
):
    asked = await paid(Way.BANK_FAILS)
    clock.advance(seconds=10)
    [pending, failed] = [event.payment for event in await news(asked) if event.payment]
    assert (pending.state, failed.state) == (PaymentState.PENDING, PaymentState.FAILED)
    seen = await gateway.query(context, asked.payment_id, asked.provider_ref)
    assert (seen.state, seen.failure_code) == (PaymentState.FAILED, "debit_not_authorized")
    closed = await gateway.close(context, asked.payment_id, asked.provider_ref)
    assert closed.state is PaymentState.CLOSED


async def test_a_declined_card_ends_nothing(paid, news, gateway, context, vendor):
    asked = await paid(Way.DECLINED)
    seen = await gateway.query(context, asked.payment_id, asked.provider_ref)
    assert seen.state is PaymentState.PENDING
    assert {event.kind for event in await news(asked)} == {EventKind.INFO}
    await vendor.pay(asked)
    seen = await gateway.query(context, asked.payment_id, asked.provider_ref)
    assert (seen.state, seen.captured) == (PaymentState.PAID, asked.amount)


async def test_a_declined_card_can_still_be_closed(paid, gateway, context, vendor):
    asked = await paid(Way.DECLINED)
    [intent] = vendor.kept.intents.values()
    # Also by the PaymentIntent, which the vendor does not let anybody cancel.
    for reference in (intent.id, asked.provider_ref):
        closed = await gateway.close(context, asked.payment_id, reference)
        assert closed.state is PaymentState.CLOSED
    await vendor.pay(asked)
    assert (await vendor.books(asked.payment_id)).captured == 0


async def test_yen_are_not_multiplied(ask, vendor):
    asked = await ask(1_500, "JPY")
    [session] = vendor.kept.sessions.values()
    assert (session.amount, session.currency) == (1500, "jpy")
    assert asked.result.snapshot.amount == Money(1_500, "JPY")


async def test_a_refund_fails_after_it_succeeded(paid, gateway, context, vendor, clock, news):
    asked = await paid(Way.REFUND_FAILS)
    request = refund_request(asked, clock)
    first = await gateway.refund(context, request)
    assert first.state is RefundState.SUCCEEDED
    clock.advance(seconds=10)
    told = [event.refund for event in await news(asked) if event.refund]
    assert [each.state for each in told] == [RefundState.SUCCEEDED] + 3 * [RefundState.FAILED]
    assert {each.refund_id for each in told} == {request.refund_id}
    seen = await gateway.query_refund(context, request.refund_id, asked.payment_id, None)
    assert (seen.state, seen.failure_code) == (RefundState.FAILED, "expired_or_canceled_card")
    again = msgspec.structs.replace(request, idempotency_key="again")
    assert (await gateway.refund(context, again)).state is RefundState.SUCCEEDED
    # Asked by the vendor's name of the first, the one that counts is told.
    seen = await gateway.query_refund(
        context, request.refund_id, asked.payment_id, first.provider_ref
    )
    assert (seen.state, seen.provider_ref != first.provider_ref) == (RefundState.SUCCEEDED, True)
    assert (await vendor.books(asked.payment_id)).refunds == 1


async def _with_an_old_500(vendor, call):
    """Have ``call`` end with a 500 that the vendor keeps, before anything was done."""
    failed = set()

    def fault(request):
        key = request.headers.get("idempotency-key", "")
        if request.method == "POST" and (not failed or key in failed):
            replayed = {"idempotent-replayed": "true"} if key in failed else {}
            failed.add(key)
            return httpx.Response(500, headers=replayed, json={"error": {"type": "api_error"}})
        return type(vendor).__mro__[1].answer(vendor, request)

    vendor.fault = fault
    with pytest.raises(ProviderUnknown):
        await call()
    answer = await call()
    vendor.fault = None
    return answer


async def test_an_old_500_is_not_believed_for_ever(ask, paid, gateway, context, vendor, clock):
    payment_id = uuid7(clock)
    made = await _with_an_old_500(
        vendor, lambda: ask(payment_id=payment_id, idempotency_key=payment_id)
    )
    assert isinstance(made.result.action, Redirect)
    assert len(vendor.kept.sessions) == 1
    asked = await paid()
    request = refund_request(asked, clock)
    sent = await _with_an_old_500(vendor, lambda: gateway.refund(context, request))
    assert sent.state is RefundState.SUCCEEDED
    held = await paid(capture=CaptureMode.MANUAL)
    taken = await _with_an_old_500(
        vendor,
        lambda: gateway.capture(context, held.payment_id, held.provider_ref, held.amount, "take"),
    )
    assert (taken.state, taken.captured) == (PaymentState.PAID, held.amount)
    assert (await vendor.books(asked.payment_id)).refunds == 1


async def test_an_old_500_that_was_done_all_the_same_is_not_done_again(
    paid, gateway, context, vendor, clock
):
    asked = await paid()
    request = refund_request(asked, clock, Money(10_00, "USD"))
    real = type(vendor).__mro__[1].answer
    lost = []

    def fault(sent):
        answer = real(vendor, sent)
        if sent.method == "POST":
            lost.append(answer)
            replayed = {"idempotent-replayed": "true"} if len(lost) > 1 else {}
            return httpx.Response(500, headers=replayed, json={"error": {"type": "api_error"}})
        return answer

    vendor.fault = fault
    with pytest.raises(ProviderUnknown):
        await gateway.refund(context, request)
    assert (await gateway.refund(context, request)).state is RefundState.SUCCEEDED
    assert (await vendor.books(asked.payment_id)).refunded == 10_00


async def test_keys_that_the_vendor_forgot_ask_for_nothing_twice(
    ask, vendor, clock, gateway, context
):
    asked = await ask()
    await vendor.pay(asked)
    clock.advance(hours=30)
    again = await gateway.create(context, asked.request)
    assert (again.snapshot.state, len(vendor.kept.sessions)) == (PaymentState.PAID, 1)
    request = refund_request(asked, clock, Money(10_00, "USD"))
    await gateway.refund(context, request)
    clock.advance(hours=30)
    await gateway.refund(context, request)
    assert (await vendor.books(asked.payment_id)).refunded == 10_00


@pytest.mark.parametrize("version", ["2022-08-01", "2024-06-20", "2031-01-01.future"])
async def test_the_endpoints_version_may_differ(paid, gateway, context, vendor, version):
    asked = await paid()
    for raw in await vendor.notifications(asked.payment_id):
        said = json.loads(raw.body) | {"api_version": version}
        other = await gateway.parse_notification(context, vendor.signed(json.dumps(said).encode()))
        same = await gateway.parse_notification(context, raw)
        assert [_plain(event) for event in other.events] == [_plain(event) for event in same.events]


def _plain(event):
    """An event without the bytes it was read from."""
    return (
        event.event_id,
        event.kind,
        event.payment and msgspec.structs.replace(event.payment, raw=b""),
    )


async def test_the_older_name_of_refund_events_is_read_too(paid, gateway, context, vendor, clock):
    asked = await paid(Way.REFUND_PENDING)
    request = refund_request(asked, clock)
    await gateway.refund(context, request)
    clock.advance(seconds=10)
    raws = await vendor.notifications(asked.payment_id)
    [raw] = [each for each in raws if b'"charge.refund.updated"' in each.body]
    [event] = (await gateway.parse_notification(context, raw)).events
    assert (event.refund.refund_id, event.refund.state) == (
        request.refund_id,
        RefundState.SUCCEEDED,
    )


async def test_events_of_the_other_mode_pay_nothing(paid, gateway, context, vendor):
    asked = await paid()
    for raw in await vendor.notifications(asked.payment_id):
        said = json.loads(raw.body) | {"livemode": True}
        signed = vendor.signed(json.dumps(said).encode())
        told = await gateway.parse_notification(context, signed)
        assert (told.events, told.ack.status) == ([], 200)


async def test_a_thin_event_says_what_to_change(gateway, context, vendor):
    thin = {
        "id": "evt_1",
        "type": "v1.payment_intent.succeeded",
        "created": 1,
        "object": "v2.core.event",
    }
    with pytest.raises(ProviderRejected) as refused:
        await gateway.parse_notification(context, vendor.signed(json.dumps(thin).encode()))
    assert refused.value.code == "thin-event"


async def test_what_the_shop_did_not_ask_for_is_left_alone(gateway, context, vendor):
    """Another system's payment on the same account, with a body of the same kind."""
    intent = vendor.moves.open_intent(foreign_intent(vendor))
    vendor.moves.confirm(intent, Way.CARD)
    for event in vendor.kept.events.values():
        [told] = (await gateway.parse_notification(context, vendor.signed(event.body))).events
        assert (told.kind, told.payment) == (EventKind.INFO, None)
