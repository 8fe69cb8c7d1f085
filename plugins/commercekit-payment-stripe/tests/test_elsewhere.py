"""Refunds made in the dashboard, and banks that ask for money back."""

from __future__ import annotations

import httpx
import pytest

from commercekit.kernel import Money
from commercekit.payments import (
    DisputeState,
    EventKind,
)
from commercekit.platform.providers import (
    ProviderRejected,
    ProviderUnknown,
)

from .conftest import refund_request


async def test_a_refund_made_in_the_dashboard_is_told_as_a_strangers(
    paid, gateway, context, vendor
):
    from commercekit_payment_stripe.fake.books import Refund

    asked = await paid()
    charge = vendor.charge(asked.payment_id)
    made = vendor.moves.refund(
        Refund(
            id=vendor.kept.name("re"),
            charge=charge.id,
            intent=charge.intent,
            created=charge.created,
            amount=10_00,
            currency="usd",
            status="pending",
            metadata={},
        )
    )
    [event] = [each for each in vendor.kept.events.values() if each.type == "refund.created"]
    [told] = (await gateway.parse_notification(context, vendor.signed(event.body))).events
    assert (told.kind, told.refund.refund_id, told.refund.provider_ref) == (
        EventKind.REFUND,
        None,
        made.id,
    )
    assert (told.refund.payment_id, told.refund.amount) == (asked.payment_id, Money(10_00, "USD"))


async def test_a_dispute_is_followed_to_its_end(paid, news, vendor, clock):
    asked = await paid()
    seen = []
    for state in (DisputeState.NEEDS_RESPONSE, DisputeState.UNDER_REVIEW, DisputeState.WON):
        clock.advance(days=1)
        await vendor.dispute(asked, state)
        last = [event.dispute for event in await news(asked) if event.dispute][-1]
        seen.append((last.state, last.withdrawn, last.amount))
        assert (last.payment_id, last.reason) == (asked.payment_id, "fraudulent")
    assert seen == [
        (DisputeState.NEEDS_RESPONSE, asked.amount, asked.amount),
        (DisputeState.UNDER_REVIEW, asked.amount, asked.amount),
        (DisputeState.WON, Money(0, "USD"), asked.amount),
    ]


async def test_an_inquiry_takes_nothing(paid, news, vendor):
    asked = await paid()
    await vendor.dispute(asked, DisputeState.INQUIRY)
    [told] = [event for event in await news(asked) if event.dispute]
    assert (told.kind, told.dispute.state) == (EventKind.DISPUTE, DisputeState.INQUIRY)
    assert (told.dispute.withdrawn, told.dispute.evidence_due_at > told.occurred_at) == (
        Money(0, "USD"),
        True,
    )


async def test_disputed_money_is_not_sent_back_twice(paid, gateway, context, vendor, clock):
    asked = await paid()
    await vendor.dispute(asked, DisputeState.LOST)
    with pytest.raises(ProviderRejected) as refused:
        await gateway.refund(context, refund_request(asked, clock))
    assert refused.value.code == "charge_disputed"
    assert (await vendor.books(asked.payment_id)).refunds == 0


async def test_who_cannot_be_asked_whose_it_is_says_so(paid, gateway, context, vendor):
    asked = await paid()
    await vendor.dispute(asked, DisputeState.NEEDS_RESPONSE)
    *_, raw = await vendor.notifications(asked.payment_id)
    vendor.fault = lambda _: httpx.Response(503)
    with pytest.raises(ProviderUnknown):  # the vendor comes again
        await gateway.parse_notification(context, raw)
