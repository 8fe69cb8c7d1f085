"""What is known to go wrong with this vendor, by name."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import httpx
import msgspec
import pytest

from commercekit.kernel import Money, new_id
from commercekit.payments import (
    CaptureMode,
    ClientSecret,
    CreatePayment,
    DisputeState,
    EventKind,
    Flow,
    PaymentState,
    Redirect,
    RefundRequest,
    RefundState,
)
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)
from commercekit.platform.settings import Secret
from commercekit.testing import provider_context
from commercekit.testing.conformance import Asked
from commercekit_payment_stripe.errors import CODES, STATUSES, TYPES, Meaning
from commercekit_payment_stripe.fake import Way


@pytest.fixture
def ask(gateway, context, clock):
    """Ask for money; what is not said is as usual."""

    async def asking(amount=49_90, currency="USD", at=None, **changes):
        payment_id = _id(clock)
        given = {
            "payment_id": payment_id,
            "order_ref": "261122-TEST",
            "amount": Money(amount, currency),
            "flow": Flow.REDIRECT,
            "capture": CaptureMode.AUTO,
            "subject": "Order 261122-TEST",
            "idempotency_key": payment_id,
            "notify_url": "https://shop.test/webhooks/payments/stripe/default",
            "return_url": "https://shop.test/thanks?token=t",
            "cancel_url": "https://shop.test/cart",
            "expires_at": clock.now() + timedelta(minutes=30),
            "metadata": {"locale": "zh-CN"},
        }
        request = CreatePayment(**(given | changes))
        return Asked(request, await gateway.create(at or context, request))

    return asking


@pytest.fixture
def paid(ask, vendor):
    async def paying(way=Way.CARD, **changes):
        asked = await ask(**changes)
        await vendor.pay(asked, way)
        return asked

    return paying


@pytest.fixture
def news(gateway, context, vendor):
    """What the shop reads in everything that was told of a payment."""

    async def reading(asked, at=None):
        raws = await vendor.notifications(asked.payment_id)
        told = [await gateway.parse_notification(at or context, raw) for raw in raws]
        return [event for each in told for event in each.events]

    return reading


def _id(clock):
    """A UUIDv7 of the test's present."""
    return f"{int(clock.now().timestamp() * 1000):012x}7{new_id().hex[13:]}"


def _refund(asked, clock, amount=None, **changes):
    refund_id = _id(clock)
    given = {
        "refund_id": refund_id,
        "payment_id": asked.payment_id,
        "provider_ref": asked.provider_ref,
        "amount": amount or asked.amount,
        "payment_total": asked.amount,
        "reason": "returned",
        "idempotency_key": f"refund-{refund_id}",
    }
    return RefundRequest(**(given | changes))


# ------------------------------------------------------------------------------ goes wrong, by name


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
    request = _refund(asked, clock)
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
    payment_id = _id(clock)
    made = await _with_an_old_500(
        vendor, lambda: ask(payment_id=payment_id, idempotency_key=payment_id)
    )
    assert isinstance(made.result.action, Redirect)
    assert len(vendor.kept.sessions) == 1
    asked = await paid()
    request = _refund(asked, clock)
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
    request = _refund(asked, clock, Money(10_00, "USD"))
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
    request = _refund(asked, clock, Money(10_00, "USD"))
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
    request = _refund(asked, clock)
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
    intent = vendor.moves.open_intent(_foreign(vendor))
    vendor.moves.confirm(intent, Way.CARD)
    for event in vendor.kept.events.values():
        [told] = (await gateway.parse_notification(context, vendor.signed(event.body))).events
        assert (told.kind, told.payment) == (EventKind.INFO, None)


def _foreign(vendor):
    from commercekit_payment_stripe.fake.books import Intent

    return Intent(
        id=vendor.kept.name("pi"), secret="s", created=0, amount=100, currency="usd", manual=False
    )


# ------------------------------------------------------------------- refunds and disputes elsewhere


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
        await gateway.refund(context, _refund(asked, clock))
    assert refused.value.code == "charge_disputed"
    assert (await vendor.books(asked.payment_id)).refunds == 0


async def test_who_cannot_be_asked_whose_it_is_says_so(paid, gateway, context, vendor):
    asked = await paid()
    await vendor.dispute(asked, DisputeState.NEEDS_RESPONSE)
    *_, raw = await vendor.notifications(asked.payment_id)
    vendor.fault = lambda _: httpx.Response(503)
    with pytest.raises(ProviderUnknown):  # the vendor comes again
        await gateway.parse_notification(context, raw)


# -------------------------------------------------------------------------------------- asking well


async def test_a_page_that_is_asked_for_too_late_to_end_in_time_lives_a_day(
    ask, vendor, clock, gateway, context
):
    payment_id, ends = _id(clock), clock.now() + timedelta(minutes=30)
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
        vendor.moves.open_intent(_foreign(vendor))
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


# ------------------------------------------------------------------------------- the table of errors

_BECOMES = {
    Meaning.REJECTED: ProviderRejected,
    Meaning.LATER: ProviderUnavailable,
    Meaning.UNKNOWN: ProviderUnknown,
    Meaning.OPERATOR: ProviderConfigError,
}


@pytest.mark.parametrize(
    ("status", "error", "meaning"),
    [
        *(
            (400, {"type": "invalid_request_error", "code": code}, means)
            for code, means in CODES.items()
        ),
        *((400, {"type": kind}, means) for kind, means in TYPES.items()),
        *((status, {"type": "invalid_request_error"}, means) for status, means in STATUSES.items()),
        (402, {"type": "card_error", "decline_code": "stolen_card"}, Meaning.REJECTED),
        (404, {"type": "invalid_request_error", "code": "resource_missing"}, Meaning.REJECTED),
        (500, {"type": "api_error"}, Meaning.UNKNOWN),
        (503, {"type": "invalid_request_error"}, Meaning.UNKNOWN),
        (400, {"type": "something_new"}, Meaning.UNKNOWN),
    ],
)
async def test_what_the_vendor_answers_is_said_in_words_of_the_core(
    ask, vendor, status, error, meaning
):
    said = {"error": {"message": "No such thing as sk_test_1234.", **error}}
    vendor.fault = lambda _: httpx.Response(status, headers={"retry-after": "7"}, json=said)
    with pytest.raises(_BECOMES[meaning]) as refused:
        await ask()
    assert "No such thing" not in repr(vars(refused.value)) + str(refused.value)
    if meaning is Meaning.LATER:
        assert refused.value.retry_after == 7


@pytest.mark.parametrize("status", [301, 400, 404, 418])
async def test_what_is_not_the_vendors_own_answer_is_unknown(ask, vendor, status):
    vendor.fault = lambda _: httpx.Response(status, text="<h1>proxy</h1>")
    with pytest.raises(ProviderUnknown):
        await ask()


async def test_a_wrong_key_calls_an_operator_and_is_not_shown(gateway, vendor, clock, account, ask):
    wrong = msgspec.structs.replace(account, api_key=Secret("sk_test_" + "0" * 24))
    async with httpx.AsyncClient(transport=httpx.MockTransport(vendor.answer)) as http:
        at = provider_context(gateway, wrong, http=http, clock=clock)
        with pytest.raises(ProviderConfigError, match="api_key") as refused:
            await ask(at=at)
    assert not re.search(r"0{5}", str(refused.value))
    assert vendor.kept.sessions == {}
