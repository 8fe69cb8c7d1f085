"""Refunds that nobody could receive: the payer's card or account is gone, and a person says where to."""

from __future__ import annotations

from urllib.parse import quote

from msgspec import Struct

from commercekit.payments import RefundSnapshot
from commercekit.platform.providers import ProviderContext, ProviderRejected
from commercekit_payment_wechatpay import snapshots, wire
from commercekit_payment_wechatpay.client import Refused, call, sealing_key
from commercekit_payment_wechatpay.codes import is_code
from commercekit_payment_wechatpay.signing import seal_field

__all__ = ["BANKS", "Card", "send_elsewhere"]

BANKS = (
    "ABC",
    "BOC",
    "CCB",
    "CEB",
    "CIB",
    "CITIC",
    "CMB",
    "CMBC",
    "COMM",
    "GDB",
    "ICBC",
    "NBCB",
    "PAB",
    "PSBC",
    "SPDB",
)
"""Whose debit cards the vendor sends an abnormal refund to."""


class Card(Struct, frozen=True):
    """A debit card of the payer's. It leaves this process sealed for the vendor, and is kept nowhere."""

    bank: str
    number: str
    holder: str

    def __repr__(self) -> str:
        return f"Card({self.bank}, not shown)"


async def send_elsewhere(ctx: ProviderContext, refund_id: str, card: Card | None) -> RefundSnapshot:
    """Send a refund that is abnormal to ``card``; without one, back to the merchant's own bank.

    Money that goes to the merchant's bank has to reach the payer in another way. Raises
    ``ProviderRejected`` for a refund that is not abnormal, and for a card that the vendor refuses; a
    repetition is refused by the vendor as soon as one was taken.
    """
    path = "/v3/refund/domestic/refunds"
    try:
        found = await call(ctx, "GET", f"{path}/{quote(refund_id, safe='')}")
        refund = found.read(wire.Refund)
        if refund.status != "ABNORMAL":
            code = "not-abnormal"
            message = f"the refund is {refund.status}; only an abnormal one is sent elsewhere"
            raise ProviderRejected(code, message)
        serial, body = await _sealed(ctx, refund_id, card)
        target = f"{path}/{quote(refund.refund_id, safe='')}/apply-abnormal-refund"
        taken = await call(ctx, "POST", target, body, sealed_for=serial)
    except Refused as refused:
        if is_code(refused.code, "RESOURCE_NOT_EXISTS"):
            code = "no-such-refund"
            raise ProviderRejected(code, "WeChat Pay has no refund of that number") from None
        raise refused.error() from None
    return snapshots.refund(taken.read(wire.Refund), taken.body)


async def _sealed(
    ctx: ProviderContext, refund_id: str, card: Card | None
) -> tuple[str | None, wire.Abnormal]:
    if card is None:
        return None, wire.Abnormal(refund_id, "MERCHANT_BANK_CARD")
    serial, key = await sealing_key(ctx)
    return serial, wire.Abnormal(
        refund_id,
        "USER_BANK_CARD",
        bank_type=f"{card.bank}_DEBIT",
        bank_account=seal_field(key, card.number),
        real_name=seal_field(key, card.holder),
    )
