"""The core's verbs in the vendor's words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, ClassVar, Final

from msgspec import Struct

from commercekit.kernel import Money
from commercekit.payments import (
    Capabilities,
    CaptureMode,
    CreatePayment,
    CreateResult,
    Flow,
    NoAction,
    Notification,
    PaymentGateway,
    PaymentSnapshot,
    PaymentState,
    QrCode,
    RefundRequest,
    RefundSnapshot,
    RefundState,
    StatementLine,
    StatementPlan,
)
from commercekit.platform.providers import (
    ProviderContext,
    ProviderRejected,
    ProviderUnknown,
    RawRequest,
)
from commercekit_payment_alipay import statements, wire
from commercekit_payment_alipay.client import Refusal, ask
from commercekit_payment_alipay.money import CNY, money, yuan
from commercekit_payment_alipay.notifications import merchant, read_notification
from commercekit_payment_alipay.requests import content_of, page_action
from commercekit_payment_alipay.settings import Account
from commercekit_payment_alipay.times import instant

if TYPE_CHECKING:
    from commercekit.payments import Action

__all__ = ["AlipayGateway"]

_QR_LASTS: Final = timedelta(hours=2)
_STATES: Final = {
    "WAIT_BUYER_PAY": PaymentState.PENDING,
    "TRADE_SUCCESS": PaymentState.PAID,
    # Paid as well, and too old to be refunded.
    "TRADE_FINISHED": PaymentState.PAID,
    # Nobody paid, or all of it went back: either way there is no money.
    "TRADE_CLOSED": PaymentState.CLOSED,
}
_REFUND_STATES: Final = {
    "REFUND_SUCCESS": RefundState.SUCCEEDED,
    "REFUND_PROCESSING": RefundState.PENDING,
    "REFUND_FAIL": RefundState.FAILED,
}
_UNMET: Final = ("ACQ.TRADE_NOT_EXIST", "TRADE_NOT_EXIST")
"""Normal until the shopper has signed in on the vendor's page, or scanned the code."""
_NOT_OPEN: Final = (
    "ACQ.TRADE_STATUS_ERROR",
    "ACQ.REASON_ILLEGAL_STATUS",
    "ACQ.REASON_TRADE_STATUS_INVALID",
    "ACQ.TRADE_HAS_SUCCESS",
    "ACQ.TRADE_HAS_CLOSE",
    "ACQ.TRADE_HAS_FINISHED",
)
"""It is not waiting to be paid: only a question tells whether it is paid or closed."""
_NO_MONEY: Final = {
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": "seller-balance-not-enough",
    "ACQ.REASON_TRADE_BEEN_FREEZEN": "trade-frozen",
    "ACQ.BUYER_ERROR": "buyer-account-closed",
    "ACQ.BUYER_NOT_EXIST": "buyer-account-closed",
}
"""A refund that does not go out as things are, and may another day under the same number."""


class AlipayGateway(PaymentGateway):
    """Alipay's OpenAPI. Shared by all accounts and requests: it keeps nothing between calls."""

    code: ClassVar[str] = "alipay"
    config_type: ClassVar[type[Struct]] = Account
    label: ClassVar[Mapping[str, str]] = {"en": "Alipay", "zh": "支付宝"}
    capabilities: ClassVar[Capabilities] = Capabilities(
        currencies=frozenset({CNY}),
        flows=frozenset({Flow.REDIRECT, Flow.FORM, Flow.H5, Flow.QR}),
        min_amount=1,
        max_amount=100_000_000_00,
        refund_window=timedelta(days=365),
        statement=StatementPlan(
            utc_offset=timedelta(hours=8), ready_after=timedelta(hours=10), days_kept=365
        ),
    )

    def merchant_account(self, config: Struct) -> str | None:
        """Application and merchant: a notification has to name both."""
        return merchant(config.app_id, config.seller_id) if isinstance(config, Account) else None

    async def create(self, ctx: ProviderContext, req: CreatePayment) -> CreateResult:
        """A signed address for the browser, without calling anybody; or a QR code, which is asked for."""
        if not self.capabilities.takes(req.amount):
            code = (
                "currency-not-supported" if req.amount.currency != CNY else "amount-not-supported"
            )
            raise ProviderRejected(code)
        if req.capture is not CaptureMode.AUTO:
            raise ProviderRejected(code="capture-not-supported")
        if req.flow is Flow.QR:
            return await self._precreate(ctx, req)
        return CreateResult(_pending(req.payment_id, req.amount), page_action(ctx, req))

    async def _precreate(self, ctx: ProviderContext, req: CreatePayment) -> CreateResult:
        method = "alipay.trade.precreate"
        content = content_of(req)
        answer = await ask(ctx, method, content, wire.Precreated, notify_url=req.notify_url)
        if isinstance(answer, Refusal):
            if answer.sub_code in _NOT_OPEN:
                # Asked again after it was paid or closed.
                return CreateResult(await self.query(ctx, req.payment_id, None), NoAction())
            raise answer.error()
        _about(req.payment_id, answer.out_trade_no)
        until = ctx.now() + _QR_LASTS
        until = min(until, req.expires_at) if req.expires_at else until
        action: Action = QrCode(answer.qr_code, until)
        return CreateResult(_pending(req.payment_id, req.amount), action)

    async def query(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None
    ) -> PaymentSnapshot:
        """By our number, which the vendor knows from the moment the shopper signs in."""
        said = {"out_trade_no": payment_id}
        answer = await ask(ctx, "alipay.trade.query", said, wire.Trade)
        if isinstance(answer, Refusal):
            if answer.sub_code in _UNMET:
                return _pending(payment_id, Money.zero("XXX"))
            raise answer.error()
        _about(payment_id, answer.out_trade_no)
        try:
            return _snapshot(payment_id, answer)
        except ValueError:
            raise ProviderUnknown(code="nonsense", detail="a trade that cannot be read") from None

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
        """Not offered: money moves when the shopper pays."""
        raise ProviderRejected(code="capture-not-supported")

    async def void(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None, idempotency_key: str
    ) -> PaymentSnapshot:
        """Not offered: nothing is ever held."""
        raise ProviderRejected(code="void-not-supported")

    async def close(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None
    ) -> PaymentSnapshot:
        """End what the vendor has met; what nobody opened ends by ``time_expire``, which it was sent with."""
        said = {"out_trade_no": payment_id}
        answer = await ask(ctx, "alipay.trade.close", said, wire.Closed)
        if not isinstance(answer, Refusal):
            return _closed(payment_id, answer.trade_no)
        if answer.sub_code in _UNMET:
            return _closed(payment_id, provider_ref)
        if answer.sub_code not in _NOT_OPEN:
            raise answer.error()
        seen = await self.query(ctx, payment_id, provider_ref)
        if seen.state is PaymentState.PENDING:
            # It could not be closed and is not paid: something moves, and is asked about later.
            raise ProviderUnknown(answer.sub_code)
        return seen

    async def refund(self, ctx: ProviderContext, req: RefundRequest) -> RefundSnapshot:
        """Under our refund's number, always: the vendor refunds a number once."""
        if req.amount.currency != CNY:
            raise ProviderRejected(code="currency-not-supported")
        said = {
            "out_trade_no": req.payment_id,
            "out_request_no": req.refund_id,
            "refund_amount": yuan(req.amount),
            "refund_reason": req.reason[:256],
        }
        answer = await ask(ctx, "alipay.trade.refund", said, wire.Refunded)
        if isinstance(answer, Refusal):
            code = _NO_MONEY.get(answer.sub_code)
            if code is None:
                raise answer.error()
            return _refund(req, RefundState.FAILED, failure_code=code)
        _about(req.payment_id, answer.out_trade_no)
        if answer.fund_change == "Y":
            # Not answer.refund_fee: that is the sum of all refunds.
            return _refund(req, RefundState.SUCCEEDED, provider_ref=answer.trade_no)
        # Nothing moved by this call: an earlier one did it, or it is under way.
        seen = await self.query_refund(ctx, req.refund_id, req.payment_id, answer.trade_no)
        if seen.state is RefundState.UNKNOWN:
            return _refund(req, RefundState.PENDING, provider_ref=answer.trade_no)
        return seen

    async def query_refund(
        self, ctx: ProviderContext, refund_id: str, payment_id: str, provider_ref: str | None
    ) -> RefundSnapshot:
        """Yes without a status means that there is no such refund."""
        said = {
            "out_trade_no": payment_id,
            "out_request_no": refund_id,
            "query_options": ["gmt_refund_pay"],
        }
        method = "alipay.trade.fastpay.refund.query"
        answer = await ask(ctx, method, said, wire.RefundFound)
        if isinstance(answer, Refusal):
            if answer.sub_code in _UNMET:
                return RefundSnapshot(
                    refund_id=refund_id, payment_id=payment_id, state=RefundState.UNKNOWN
                )
            raise answer.error()
        state = _REFUND_STATES.get(answer.refund_status or "", RefundState.UNKNOWN)
        try:
            return RefundSnapshot(
                refund_id=refund_id,
                provider_ref=answer.trade_no,
                payment_id=payment_id,
                state=state,
                amount=money(answer.refund_amount) if answer.refund_amount is not None else None,
                occurred_at=instant(answer.gmt_refund_pay) if answer.gmt_refund_pay else None,
                failure_code="refund-failed" if state is RefundState.FAILED else None,
            )
        except ValueError:
            raise ProviderUnknown(code="nonsense", detail="a refund that cannot be read") from None

    async def parse_notification(self, ctx: ProviderContext, req: RawRequest) -> Notification:
        """See :mod:`commercekit_payment_alipay.notifications`."""
        return await read_notification(ctx, req)

    def reconcile(self, ctx: ProviderContext, day: date) -> AsyncIterator[StatementLine]:
        """The day's bill of trades (业务账单)."""
        return statements.lines_of(ctx, day)


def _about(payment_id: str, said: str) -> None:
    if said != payment_id:
        raise ProviderUnknown(code="another-trade", detail="the answer is about another trade")


def _pending(payment_id: str, amount: Money) -> PaymentSnapshot:
    return PaymentSnapshot(payment_id=payment_id, state=PaymentState.PENDING, amount=amount)


def _closed(payment_id: str, provider_ref: str | None) -> PaymentSnapshot:
    return PaymentSnapshot(
        payment_id=payment_id,
        provider_ref=provider_ref,
        state=PaymentState.CLOSED,
        amount=Money.zero("XXX"),
    )


def _snapshot(payment_id: str, trade: wire.Trade) -> PaymentSnapshot:
    state = _STATES.get(trade.trade_status, PaymentState.UNKNOWN)
    total = money(trade.total_amount)
    paid = state is PaymentState.PAID
    return PaymentSnapshot(
        payment_id=payment_id,
        provider_ref=trade.trade_no,
        state=state,
        amount=total,
        captured=total if paid else None,
        payer_paid=money(trade.buyer_pay_amount) if paid and trade.buyer_pay_amount else None,
        occurred_at=instant(trade.send_pay_date) if trade.send_pay_date else None,
    )


def _refund(
    req: RefundRequest,
    state: RefundState,
    *,
    provider_ref: str | None = None,
    failure_code: str | None = None,
) -> RefundSnapshot:
    return RefundSnapshot(
        refund_id=req.refund_id,
        provider_ref=provider_ref,
        payment_id=req.payment_id,
        state=state,
        amount=req.amount,
        failure_code=failure_code,
    )
