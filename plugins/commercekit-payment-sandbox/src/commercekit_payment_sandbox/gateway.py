"""The sandbox as the shop calls it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

import msgspec
from msgspec import Struct

from commercekit.kernel import Money
from commercekit.payments import (
    Action,
    Capabilities,
    CreatePayment,
    CreateResult,
    DisputeSnapshot,
    DisputeState,
    EventKind,
    Flow,
    GatewayEvent,
    Notification,
    PaymentGateway,
    PaymentSnapshot,
    PaymentState,
    QrCode,
    Redirect,
    RefundRequest,
    RefundSnapshot,
    RefundState,
    StatementLine,
    StatementPlan,
)
from commercekit.platform.providers import (
    Ack,
    ProviderContext,
    ProviderRejected,
    ProviderUnknown,
    RawRequest,
)
from commercekit_payment_sandbox.bank import Bank, provider_ref, refund_ref
from commercekit_payment_sandbox.models import Charge, Message, PastRefund, Ticket
from commercekit_payment_sandbox.refunds import Refunds
from commercekit_payment_sandbox.scenarios import RefundScenario, Scenario, of_payment, of_refund
from commercekit_payment_sandbox.settings import Account
from commercekit_payment_sandbox.signing import HEADER, seal_link, verify
from commercekit_payment_sandbox.statements import statement

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import date

__all__ = ["SandboxGateway"]


class SandboxGateway(PaymentGateway):
    """Moves no money, and otherwise behaves as gateways do."""

    code: ClassVar[str] = "sandbox"
    config_type: ClassVar[type[Struct]] = Account
    label: ClassVar[Mapping[str, str]] = {"en": "Sandbox payment", "zh": "沙箱支付"}
    capabilities: ClassVar[Capabilities] = Capabilities(
        flows=frozenset({Flow.REDIRECT, Flow.QR}),
        manual_capture=True,
        partial_capture=True,
        multi_capture=True,
        void=True,
        refund_async=True,
        disputes=True,
        statement=StatementPlan(ready_after=timedelta(minutes=10)),
    )

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._refunds = Refunds(bank)

    async def create(self, ctx: ProviderContext, req: CreatePayment) -> CreateResult:
        """Sign a link to the payment page. Nothing is stored before the shopper acts."""
        ticket = Ticket(
            payment_id=UUID(req.payment_id),
            account=ctx.account_id,
            amount=req.amount,
            capture=req.capture,
            subject=req.subject,
            notify_url=req.notify_url,
            return_url=req.return_url,
            cancel_url=req.cancel_url,
            expires_at=req.expires_at,
            locale=req.metadata.get("locale", "en"),
        )
        slow = of_payment(req.amount.amount) is Scenario.CREATE_TIMEOUT
        if slow and await self._bank.first_request(ticket):
            raise ProviderUnknown(code="timeout")
        token = seal_link(self._bank.keys("link", "")[0], ticket)
        url = self._bank.ctx.url(f"/pay/{token}")
        action: Action = QrCode(url, req.expires_at) if req.flow is Flow.QR else Redirect(url)
        snapshot = PaymentSnapshot(
            payment_id=req.payment_id,
            provider_ref=provider_ref(ticket.payment_id),
            state=PaymentState.PENDING,
            amount=req.amount,
        )
        return CreateResult(snapshot, action)

    async def query(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None
    ) -> PaymentSnapshot:
        """What the books say; a charge nobody has acted on is pending."""
        charge = await self._bank.charge(UUID(payment_id))
        if charge is None:
            return PaymentSnapshot(
                payment_id=payment_id, state=PaymentState.PENDING, amount=Money.zero("XXX")
            )
        return _snapshot(charge)

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
        """Take held money, once per key."""
        charge, first = await self._bank.capture(
            UUID(payment_id), amount, idempotency_key, final=final
        )
        if first and charge.scenario is Scenario.CAPTURE_TIMEOUT:
            raise ProviderUnknown(code="timeout")
        return _snapshot(charge)

    async def void(
        self,
        ctx: ProviderContext,
        payment_id: str,
        provider_ref: str | None,
        idempotency_key: str,
    ) -> PaymentSnapshot:
        """Give held money up."""
        return _snapshot(await self._bank.void(UUID(payment_id)))

    async def close(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None
    ) -> PaymentSnapshot:
        """Make the link worthless, unless it was paid before."""
        return _snapshot(await self._bank.close(UUID(payment_id), ctx.account_id))

    async def refund(self, ctx: ProviderContext, req: RefundRequest) -> RefundSnapshot:
        """Send money back, once per refund id."""
        refund, first = await self._refunds.refund(req)
        if first and of_refund(req.amount.amount) is RefundScenario.TIMEOUT:
            raise ProviderUnknown(code="timeout")
        return _refund_snapshot(refund)

    async def query_refund(
        self, ctx: ProviderContext, refund_id: str, payment_id: str, provider_ref: str | None
    ) -> RefundSnapshot:
        """What the books say of a refund."""
        refund = await self._refunds.past_refund(UUID(refund_id))
        if refund is None:
            return RefundSnapshot(
                refund_id=refund_id, payment_id=payment_id, state=RefundState.UNKNOWN
            )
        return _refund_snapshot(refund)

    def reconcile(self, ctx: ProviderContext, day: date) -> AsyncIterator[StatementLine]:
        """Every movement of the day, and its payout."""
        return statement(self._bank, ctx.account_id, day)

    async def parse_notification(self, ctx: ProviderContext, req: RawRequest) -> Notification:
        """Verify the signature over the exact bytes, then read them."""
        keys = self._bank.keys("notify", ctx.account_id)
        verify(keys, req.body, req.header(HEADER), ctx.now())
        try:
            event = _event(msgspec.json.decode(req.body, type=Message), req.body)
        except (ValueError, RecursionError) as error:
            raise ProviderRejected(code="malformed", message=str(error)) from None
        return Notification([event], ack=Ack(200, b"ok"), nack=Ack(503, b"later"))


def _snapshot(charge: Charge) -> PaymentSnapshot:
    currency = charge.amount.currency
    return PaymentSnapshot(
        payment_id=charge.id.hex,
        provider_ref=provider_ref(charge.id),
        state=charge.state,
        amount=charge.amount,
        captured=Money(charge.captured, currency) if charge.captured else None,
        refunded=Money(charge.refunded, currency),
        failure_code=charge.failure_code,
    )


def _refund_snapshot(refund: PastRefund) -> RefundSnapshot:
    return RefundSnapshot(
        refund_id=refund.id.hex,
        provider_ref=refund_ref(refund.id),
        payment_id=refund.charge_id.hex,
        state=refund.state,
        amount=refund.amount,
        failure_code=refund.failure_code,
    )


_KINDS = {"refund": EventKind.REFUND, "dispute": EventKind.DISPUTE}


def _event(message: Message, raw: bytes) -> GatewayEvent:
    payment = refund = dispute = None
    if message.kind == "dispute":
        dispute = DisputeSnapshot(
            dispute_id=message.dispute_id or "",
            payment_id=message.payment_id,
            provider_ref=message.provider_ref,
            state=DisputeState(message.dispute_state or ""),
            amount=message.dispute_amount or message.amount,
            withdrawn=message.withdrawn,
            reason="fraudulent",
            evidence_due_at=message.evidence_due_at,
            occurred_at=message.occurred_at,
            raw=raw,
        )
    elif message.kind == "refund":
        refund = RefundSnapshot(
            refund_id=message.refund_id,
            provider_ref=message.refund_ref,
            payment_id=message.payment_id,
            state=RefundState(message.refund_state or "unknown"),
            amount=message.refund_amount,
            occurred_at=message.occurred_at,
            failure_code=message.failure_code,
            raw=raw,
        )
    else:
        payment = PaymentSnapshot(
            payment_id=message.payment_id,
            provider_ref=message.provider_ref,
            state=PaymentState(message.state),
            amount=message.amount,
            captured=message.captured,
            occurred_at=message.occurred_at,
            failure_code=message.failure_code,
            raw=raw,
        )
    return GatewayEvent(
        event_id=message.event_id,
        kind=_KINDS.get(message.kind, EventKind.PAYMENT),
        occurred_at=message.occurred_at,
        payment=payment,
        refund=refund,
        dispute=dispute,
    )
