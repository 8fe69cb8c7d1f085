"""The vendor's own signatures, as its libraries publish them."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

import httpx
import pytest

from commercekit.payments import EventKind
from commercekit.platform.providers import SecretReader, SignatureInvalid
from commercekit.platform.settings import Secret
from commercekit.testing import raw_request
from commercekit_payment_stripe.gateway import StripeGateway

pytestmark = pytest.mark.asyncio


async def test_published_signatures_are_judged_as_the_vendors_library_judges_them(shared, context):
    cases = json.loads((shared / "vectors/stripe/webhook_signature.json").read_bytes())
    told = {}
    for case in cases:
        now = datetime.fromtimestamp(case["now_unix"], UTC)
        at = dataclasses.replace(
            context,
            now=lambda now=now: now,
            secrets=SecretReader(
                {"webhook_secret": Secret(case["secret"]), "api_key": context.config.api_key},
                "stripe.default",
            ),
        )
        request = httpx.Request(
            "POST",
            "https://shop.test/webhooks/payments/stripe/default",
            headers={"Stripe-Signature": case["header"]},
            content=case["payload"].encode(),
        )
        raw = raw_request(request, at=now)
        if case["stripe_lib"] == "accept":
            [event] = (await StripeGateway().parse_notification(at, raw)).events or [None]
            told[case["name"]] = event and (event.event_id, event.kind)
        else:
            with pytest.raises(SignatureInvalid):
                await StripeGateway().parse_notification(at, raw)
    assert told == {
        "published_valid": None,  # of a connected account, and this is none
        "checkout_completed_paid": ("evt_checkout_completed_paid", EventKind.INFO),
        "refund_updated_pending": ("evt_refund_updated_pending", EventKind.INFO),
        "redelivery_same_event_id_new_t": ("evt_pi_succeeded", EventKind.INFO),
    }
