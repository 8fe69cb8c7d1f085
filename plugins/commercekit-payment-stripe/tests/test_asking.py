"""Asking for money, and finding it again after an answer that was lost."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
import msgspec
import pytest

from commercekit.payments import (
    CaptureMode,
    ClientSecret,
    Flow,
    PaymentState,
)
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderRejected,
)
from commercekit.testing import provider_context

from .conftest import foreign_intent, uuid7


async def test_a_page_that_is_asked_for_too_late_to_end_in_time_lives_a_day(
    ask, vendor, clock, gateway, context
):
    payment_id, ends = uuid7(clock), clock.now() + timedelta(minutes=30)
    clock.advance(minutes=20)
    asked = await ask(payment_id=payment_id, idempotency_key=payment_id, expires_at=ends)
    [session] = vendor.kept.sessions.values()
    assert session.expires_at == session.created + 86_400
    again = await gateway.create(context, asked.request)
    assert (again.snapshot.provider_ref, len(vendor.kept.sessions)) == (session.id, 1)
    closed = await gateway.close(context, asked.payment_id, asked.provider_ref)
    assert closed.state is PaymentState.CLOSED


async def test_the_page_speaks_the_shoppers_language_and_knows_the_way_back(ask, vendor):
    asked = await ask()
    [session] = vendor.kept.sessions.values()
    assert (session.locale, session.success_url) == ("zh", "https://shop.test/thanks?token=t")
    bare = await ask(return_url=None, cancel_url=None, expires_at=None, metadata={})
    last = vendor.kept.sessions[bare.provider_ref]
    assert (last.locale, last.success_url, last.cancel_url) == ("auto", "https://shop.test/", None)
    assert asked.result.snapshot.state is PaymentState.PENDING


async def test_the_shops_own_page_needs_the_publishable_key(gateway, vendor, clock, account, ask):
    bare = msgspec.structs.replace(account, publishable_key=None)
    async with httpx.AsyncClient(transport=httpx.MockTransport(vendor.answer)) as http:
        at = provider_context(gateway, bare, http=http, clock=clock)
        with pytest.raises(ProviderConfigError, match="publishable_key"):
            await ask(at=at, flow=Flow.CLIENT_SECRET)
    assert vendor.requests == []


async def test_the_shops_own_page_gets_a_secret_and_no_more(ask, account):
    asked = await ask(flow=Flow.CLIENT_SECRET)
    action = asked.result.action
    assert isinstance(action, ClientSecret)
    assert action.publishable == account.publishable_key
    assert action.secret.startswith(asked.provider_ref)


async def test_another_flow_is_refused_before_anybody_is_asked(ask, vendor):
    with pytest.raises(ProviderRejected):
        await ask(flow=Flow.QR)
    assert vendor.requests == []


async def test_a_platform_acts_for_one_connected_account(
    gateway, vendor, clock, account, ask, news, context
):
    connected = msgspec.structs.replace(account, connected_account="acct_1Shop")
    assert gateway.merchant_account(connected) == "acct_1Shop"
    async with httpx.AsyncClient(transport=httpx.MockTransport(vendor.answer)) as http:
        at = provider_context(gateway, connected, http=http, clock=clock)
        asked = await ask(at=at)
        assert vendor.requests[-1].headers["stripe-account"] == "acct_1Shop"
        await vendor.pay(asked)
        assert await news(asked, at) == []  # the platform's own
        for whose, count in (("acct_1Shop", 1), ("acct_1Other", 0)):
            *_, raw = await vendor.notifications(asked.payment_id)
            said = json.loads(raw.body) | {"account": whose}
            told = await gateway.parse_notification(at, vendor.signed(json.dumps(said).encode()))
            assert [event.merchant_account for event in told.events] == [whose] * count
            # And an account of its own believes nothing of others.
            foreign = vendor.signed(json.dumps(said).encode())
            assert (await gateway.parse_notification(context, foreign)).events == []


async def test_methods_can_be_narrowed(gateway, vendor, clock, account, ask):
    narrow = msgspec.structs.replace(account, allowed_payment_method_types=["card", "alipay"])
    async with httpx.AsyncClient(transport=httpx.MockTransport(vendor.answer)) as http:
        at = provider_context(gateway, narrow, http=http, clock=clock)
        for flow in (Flow.REDIRECT, Flow.CLIENT_SECRET):
            await ask(at=at, flow=flow)
    [session], [intent] = vendor.kept.sessions.values(), vendor.kept.intents.values()
    assert session.methods == intent.methods == ["card", "alipay"]


async def test_a_payment_of_long_ago_is_found_by_the_search(paid, gateway, context, vendor, clock):
    asked = await paid()
    clock.advance(days=60)
    vendor.requests.clear()
    seen = await gateway.query(context, asked.payment_id, None)
    assert (seen.state, seen.amount) == (PaymentState.PAID, asked.amount)
    assert vendor.calls[0] == "GET /payment_intents/search"
    assert len(vendor.calls) == 2


async def test_where_there_is_no_search_the_lists_are_read(paid, gateway, context, vendor, clock):
    asked = await paid()
    for _ in range(120):  # more than one page of others
        vendor.moves.open_intent(foreign_intent(vendor))
    clock.advance(days=60)
    real = type(vendor).__mro__[1].answer

    def fault(request):
        if request.url.path.endswith("/search"):
            error = {"type": "invalid_request_error", "message": "Search is not supported."}
            return httpx.Response(400, json={"error": error})
        return real(vendor, request)

    vendor.fault = fault
    seen = await gateway.query(context, asked.payment_id, None)
    assert seen.state is PaymentState.PAID


async def test_a_capture_that_somebody_else_made_is_believed(paid, gateway, context, vendor):
    """In the dashboard, between our question and our request."""
    held = await paid(capture=CaptureMode.MANUAL)
    [intent] = vendor.kept.intents.values()
    real = type(vendor).__mro__[1].answer

    def fault(request):
        if request.url.path.endswith("/capture") and intent.status == "requires_capture":
            vendor.moves.capture(intent, intent.amount)
        return real(vendor, request)

    vendor.fault = fault
    seen = await gateway.capture(context, held.payment_id, held.provider_ref, held.amount, "k")
    assert (seen.state, seen.captured) == (PaymentState.PAID, held.amount)
    assert (await vendor.books(held.payment_id)).captures == 1
