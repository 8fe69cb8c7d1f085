"""What the plugin brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from commercekit import hookimpl
from commercekit.kernel import SystemClock
from commercekit.payments import PaymentGateway
from commercekit_payment_alipay.gateway import AlipayGateway

if TYPE_CHECKING:
    from commercekit.testing.vendors import FakeVendor, VendorGroup, VendorHome


@hookimpl
def register_payment_gateways() -> Sequence[PaymentGateway]:
    """One gateway, ``alipay``."""
    return [AlipayGateway()]


@hookimpl
def register_commands() -> Sequence[VendorGroup]:
    """``commercekit alipay fake``."""
    from commercekit.testing.vendors import vendor_command  # noqa: PLC0415 - no shop that serves needs it

    return [vendor_command("alipay", _fake)]


def _fake(home: VendorHome) -> FakeVendor:
    """An Alipay on this machine; its keys stay the same over restarts."""
    from commercekit_payment_alipay.fake import FakeAlipay, Identity, kept_key  # noqa: PLC0415 - as above

    identity = Identity(
        app_key=kept_key(home.keep, "app_private_key.pem"),
        vendor_key=kept_key(home.keep, "alipay_private_key.pem"),
    )
    return FakeAlipay(identity, SystemClock().now, address=home.address)
