"""Cash on delivery as the shop calls it: nobody outside is asked anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from msgspec import Struct

from commercekit.kernel import Money, pick
from commercekit.payments import (
    Capabilities,
    CreatePayment,
    CreateResult,
    Flow,
    Instructions,
    NoAction,
    Notification,
    PaymentGateway,
    PaymentSnapshot,
    PaymentState,
    RefundRequest,
    RefundSnapshot,
    RefundState,
)
from commercekit.platform.providers import (
    ProviderContext,
    ProviderRejected,
    RawRequest,
    SignatureInvalid,
)
from commercekit_payment_cod.settings import Account

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CashOnDelivery"]


class CashOnDelivery(PaymentGateway):
    """Pending until staff record that the courier brought the money."""

    code: ClassVar[str] = "cod"
    config_type: ClassVar[type[Struct]] = Account
    label: ClassVar[Mapping[str, str]] = {"en": "Cash on delivery", "zh": "货到付款"}
    collects_later: ClassVar[bool] = True
    capabilities: ClassVar[Capabilities] = Capabilities(
        flows=frozenset({Flow.OFFLINE}),
        refund_async=True,
        query=False,
        close=False,
        webhook=False,
    )

    async def create(self, ctx: ProviderContext, req: CreatePayment) -> CreateResult:
        """Nothing happens until the parcel arrives; the shopper reads what to expect."""
        texts = cast("Account", ctx.config).instructions
        text = pick(texts, (req.metadata.get("locale", "en"),))
        snapshot = PaymentSnapshot(
            payment_id=req.payment_id, state=PaymentState.PENDING, amount=req.amount
        )
        return CreateResult(snapshot, Instructions(text) if text else NoAction())

    async def query(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None
    ) -> PaymentSnapshot:
        """Refused: only people know whether cash changed hands."""
        raise _nobody_to_ask()

    async def capture(
        self,
        ctx: ProviderContext,
        payment_id: str,
        provider_ref: str | None,
        amount: Money,
        idempotency_key: str,
        *,
        final: bool = True,
    ) -> PaymentSnapshot:
        """Refused: nothing is held; staff record the collection."""
        raise _nobody_to_ask()

    async def void(
        self,
        ctx: ProviderContext,
        payment_id: str,
        provider_ref: str | None,
        idempotency_key: str,
    ) -> PaymentSnapshot:
        """Refused: nothing is held."""
        raise _nobody_to_ask()

    async def close(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None
    ) -> PaymentSnapshot:
        """Refused: the shop closes it by itself."""
        raise _nobody_to_ask()

    async def refund(self, ctx: ProviderContext, req: RefundRequest) -> RefundSnapshot:
        """Somebody has to hand the money back and say so."""
        return _by_hand(req.refund_id, req.payment_id, req.amount)

    async def query_refund(
        self, ctx: ProviderContext, refund_id: str, payment_id: str, provider_ref: str | None
    ) -> RefundSnapshot:
        """Still with people."""
        return _by_hand(refund_id, payment_id, None)

    async def parse_notification(self, ctx: ProviderContext, req: RawRequest) -> Notification:
        """Refused: nobody notifies."""
        message = "cash on delivery sends no notifications"
        raise SignatureInvalid(message)


def _by_hand(refund_id: str, payment_id: str, amount: Money | None) -> RefundSnapshot:
    return RefundSnapshot(
        refund_id=refund_id,
        payment_id=payment_id,
        state=RefundState.NEEDS_ATTENTION,
        amount=amount,
        failure_code="pay-out-by-hand",
    )


def _nobody_to_ask() -> ProviderRejected:
    return ProviderRejected(code="not-supported", message="cash on delivery is kept by people")
