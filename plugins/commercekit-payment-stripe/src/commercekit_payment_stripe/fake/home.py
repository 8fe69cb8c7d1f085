"""Where the fake lives when it is run as a server."""

from __future__ import annotations

import secrets

import msgspec

from commercekit.kernel import SystemClock
from commercekit.testing.vendors import VendorHome
from commercekit_payment_stripe.fake.vendor import FakeStripe

__all__ = ["at_home"]


def at_home(home: VendorHome) -> FakeStripe:
    """The fake with keys of its own, the same after a restart."""
    keys = msgspec.json.decode(home.keep("keys.json", _keys), type=dict[str, str])
    return FakeStripe(
        now=SystemClock().now,
        api_key=keys["api_key"],
        publishable_key=keys["publishable_key"],
        secrets=[keys["webhook_secret"]],
        address=home.address,
        webhook=f"{home.shop}/webhooks/payments/stripe/default",
    )


def _keys() -> bytes:
    return msgspec.json.encode(
        {
            "api_key": f"sk_test_{secrets.token_hex(24)}",
            "publishable_key": f"pk_test_{secrets.token_hex(24)}",
            "webhook_secret": f"whsec_{secrets.token_hex(24)}",
        }
    )
