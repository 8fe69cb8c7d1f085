"""What the plugin brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from commercekit import hookimpl
from commercekit.payments import PaymentGateway
from commercekit_payment_stripe.gateway import StripeGateway

if TYPE_CHECKING:
    from commercekit.testing.vendors import FakeVendor, VendorHome


@hookimpl
def register_payment_gateways() -> Sequence[PaymentGateway]:
    """One gateway, ``stripe``, for as many accounts as the shop has."""
    return [StripeGateway()]


@hookimpl
def register_commands() -> Sequence[Any]:
    """``commercekit stripe fake``: the vendor on this machine, to try a shop without an account."""
    from commercekit.testing.vendors import vendor_command  # noqa: PLC0415 - a shop has no use for it

    return [vendor_command("stripe", _fake)]


def _fake(home: VendorHome) -> FakeVendor:
    from commercekit_payment_stripe.fake.home import at_home  # noqa: PLC0415 - only who plays needs it

    return at_home(home)
