"""Talks to the fake with the vendor's own library, in an environment that has nothing else.

Arguments: where the fake is, and its keys. Prints what happened as JSON.
"""

from __future__ import annotations

import json
import sys
import typing
from uuid import uuid4

import requests
import stripe

ADDRESS, KEY, PUBLISHABLE, SECRET = sys.argv[1:5]
client = stripe.StripeClient(KEY, base_addresses={"api": ADDRESS}, max_network_retries=0)
browser = stripe.StripeClient(PUBLISHABLE, base_addresses={"api": ADDRESS}, max_network_retries=0)
OURS = {"commercekit_payment": uuid4().hex}


def session(**more):
    line = {
        "quantity": 1,
        "price_data": {"currency": "usd", "unit_amount": 4990, "product_data": {"name": "Cap"}},
    }
    params = {
        "mode": "payment",
        "line_items": [line],
        "success_url": "https://shop.test/thanks",
        "metadata": OURS,
        "payment_intent_data": {"metadata": OURS},
        **more,
    }
    return client.v1.checkout.sessions.create(params)


def refused(call):
    try:
        call()
    except stripe.StripeError as error:
        return [type(error).__name__, error.http_status, error.code]
    return None


def pages():
    made = session()
    pressed = requests.post(made.url, data={"action": "pay"}, allow_redirects=False, timeout=10)
    seen = client.v1.checkout.sessions.retrieve(
        made.id, {"expand": ["payment_intent.latest_charge"]}
    )
    other = session()
    gone = client.v1.checkout.sessions.expire(other.id)
    return {
        "pressed": [pressed.status_code, pressed.headers["location"]],
        "seen": [seen.status, seen.payment_status, seen.amount_total],
        "charge": [seen.payment_intent.status, seen.payment_intent.latest_charge.amount_captured],
        "by_intent": client.v1.checkout.sessions.list({"payment_intent": seen.payment_intent.id})
        .data[0]
        .id
        == made.id,
        "gone": [gone.status, gone.url],
        "again": refused(lambda: client.v1.checkout.sessions.expire(other.id)),
    }


def intents():
    made = client.v1.payment_intents.create(
        {
            "amount": 4990,
            "currency": "usd",
            "capture_method": "manual",
            "automatic_payment_methods": {"enabled": True},
            "metadata": OURS,
        },
        {"idempotency_key": "one"},
    )
    again = client.v1.payment_intents.create(
        {
            "amount": 4990,
            "currency": "usd",
            "capture_method": "manual",
            "automatic_payment_methods": {"enabled": True},
            "metadata": OURS,
        },
        {"idempotency_key": "one"},
    )
    other = refused(
        lambda: client.v1.payment_intents.create(
            {"amount": 1, "currency": "usd"}, {"idempotency_key": "one"}
        )
    )
    declined = refused(
        lambda: client.v1.payment_intents.confirm(
            made.id, {"payment_method": "pm_card_chargeDeclined"}
        )
    )
    held = client.v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa"})
    taken = client.v1.payment_intents.capture(made.id, {"amount_to_capture": 2000})
    return {
        "same": made.id == again.id,
        "other": other,
        "declined": declined,
        "held": [held.status, held.amount_capturable, held.amount_received],
        "taken": [taken.status, taken.amount_capturable, taken.amount_received],
        "void": refused(lambda: client.v1.payment_intents.cancel(made.id)),
        "unknown": refused(
            lambda: client.v1.payment_intents.create(
                {"amount": 100, "currency": "usd", "colour": "red"}
            )
        ),
        "id": made.id,
    }


def refunds(intent):
    part = client.v1.refunds.create({"payment_intent": intent, "amount": 500, "metadata": OURS})
    listed = client.v1.refunds.list({"payment_intent": intent})
    return {
        "part": [part.status, part.amount, part.metadata.to_dict() == OURS],
        "listed": [each.id == part.id for each in listed.data],
        "more": refused(
            lambda: client.v1.refunds.create({"payment_intent": intent, "amount": 9999})
        ),
        "none": refused(lambda: client.v1.refunds.retrieve("re_none")),
    }


def balance():
    movements = client.v1.balance_transactions.list({"limit": 2, "expand": ["data.source"]})
    everything = list(movements.auto_paging_iter())
    return [
        [each.type, each.reporting_category, each.net, each.source.object] for each in everything
    ]


def keys():
    stranger = stripe.StripeClient("sk_test_wrong", base_addresses={"api": ADDRESS})
    return [
        refused(stranger.v1.payment_intents.list),
        refused(browser.v1.payment_intents.list),
    ]


def told():
    """Webhooks as they were posted, on standard input: headers and bodies."""
    seen = []
    for header, body in json.loads(sys.stdin.read() or "[]"):
        event = client.construct_event(body.encode(), header, SECRET)
        seen.append([event.type, event.data.object.object])
        try:
            client.construct_event(body.replace("usd", "eur").encode(), header, SECRET)
        except stripe.SignatureVerificationError:
            continue
        seen.append("took a forgery")
    return seen


def everything():
    """Each thing once, with what is refused."""
    paid = intents()
    return {
        "pages": pages(),
        "intents": paid,
        "refunds": refunds(paid["id"]),
        "balance": balance(),
        "keys": keys(),
    }


def words():
    """What the library knows by name: states, kinds of events, parameters; and its own encoding."""
    from stripe._encode import _api_encode
    from stripe._webhook import WebhookSignature
    from stripe.params.checkout import _session_create_params as sessions

    given = json.loads(sys.stdin.read())
    line = "SessionCreateParamsLineItem"
    tables = {
        "": sessions.SessionCreateParams,
        "payment_intent_data": sessions.SessionCreateParamsPaymentIntentData,
        "adaptive_pricing": sessions.SessionCreateParamsAdaptivePricing,
        "line_items": getattr(sessions, line),
        "price_data": getattr(sessions, f"{line}PriceData"),
        "product_data": getattr(sessions, f"{line}PriceDataProductData"),
    }
    return {
        "states": {
            kind.__name__: _known(kind, "status")
            for kind in (stripe.PaymentIntent, stripe.Dispute, stripe.checkout.Session)
        },
        "fields": {
            kind.__name__: list(kind.__annotations__)
            for kind in (
                stripe.BalanceTransaction,
                stripe.Charge,
                stripe.Dispute,
                stripe.Event,
                stripe.PaymentIntent,
                stripe.Refund,
                stripe.checkout.Session,
            )
        },
        "events": _known(stripe.Event, "type"),
        "movements": _known(stripe.BalanceTransaction, "type"),
        "session": {name: list(table.__annotations__) for name, table in tables.items()},
        "intent": list(stripe.params.PaymentIntentCreateParams.__annotations__),
        "refund": list(stripe.params.RefundCreateParams.__annotations__),
        "encoded": [[name, str(value)] for name, value in _api_encode(given["form"])],
        "signed": WebhookSignature._compute_signature(f"{given['at']}.{given['body']}", SECRET),
        "version": stripe.api_version,
    }


def _known(kind, field):
    found = typing.get_args(kind.__annotations__[field])
    literals = [each for each in found if typing.get_origin(each) is typing.Literal]
    return sorted(typing.get_args(literals[0] if literals else kind.__annotations__[field]))


WAYS = {"told": told, "words": words, "everything": everything}
sys.stdout.write(json.dumps(WAYS[sys.argv[5]]()))
