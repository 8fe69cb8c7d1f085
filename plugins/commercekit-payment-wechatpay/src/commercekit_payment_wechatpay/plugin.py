"""What the plugin brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from commercekit import hookimpl
from commercekit.kernel import SystemClock
from commercekit.payments import PaymentGateway
from commercekit_payment_wechatpay.gateway import WechatPayGateway

if TYPE_CHECKING:
    from commercekit.testing.vendors import FakeVendor, VendorGroup, VendorHome


@hookimpl
def register_payment_gateways() -> Sequence[PaymentGateway]:
    """One gateway, ``wechatpay``, for any number of merchant accounts."""
    return [WechatPayGateway()]


@hookimpl
def register_commands() -> Sequence[VendorGroup]:
    """``commercekit wechatpay``: the fake, and refunds that nobody could receive."""
    from commercekit.testing.vendors import vendor_command  # noqa: PLC0415 - no shop that serves needs it
    from commercekit_payment_wechatpay.commands import send_refund  # noqa: PLC0415 - as above

    group = vendor_command("wechatpay", _fake)
    group.help = "WeChat Pay: a vendor to try the shop with, and refunds that nobody could receive."
    group.add_command(send_refund)
    return [group]


def _fake(home: VendorHome) -> FakeVendor:
    """WeChat Pay on this machine; its keys stay the same over restarts."""
    from commercekit_payment_wechatpay.fake import FakeWechatPay, Keys, make_keys  # noqa: PLC0415 - as above

    now = SystemClock().now
    keys = Keys.decode(home.keep("keys.json", lambda: make_keys(now())))
    return FakeWechatPay(keys, now, address=home.address)
