"""The core's verbs, in the vendor's calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from msgspec import Struct

from commercekit.errors import CommerceKitError
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
from commercekit_payment_wechatpay import snapshots, wire
from commercekit_payment_wechatpay.client import Refused, call
from commercekit_payment_wechatpay.codes import is_code
from commercekit_payment_wechatpay.money import CURRENCY, fen
from commercekit_payment_wechatpay.notifications import read_notification
from commercekit_payment_wechatpay.orders import (
    CODE_LIVES,
    PATHS,
    action_for,
    order_for,
    shortened,
)
from commercekit_payment_wechatpay.settings import Account
from commercekit_payment_wechatpay.statements import statement

__all__ = ["WechatPayGateway"]

_ENDED = (PaymentState.PAID, PaymentState.CLOSED)
_MOST_REASON = 80


class WechatPayGateway(PaymentGateway):
    """WeChat Pay, API v3. Shared by all payments: it keeps nothing between calls."""

    code: ClassVar[str] = "wechatpay"
    config_type: ClassVar[type[Struct]] = Account
    label: ClassVar[Mapping[str, str]] = {"en": "WeChat Pay", "zh": "微信支付"}
    capabilities: ClassVar[Capabilities] = Capabilities(
        currencies=frozenset({CURRENCY}),
        flows=frozenset({Flow.QR, Flow.JSAPI, Flow.H5, Flow.APP}),
        refund_async=True,
        max_refunds=50,
        refund_window=timedelta(days=365),
        min_amount=1,
        session_ttl=CODE_LIVES,
        statement=StatementPlan(
            utc_offset=timedelta(hours=8), ready_after=timedelta(hours=10), days_kept=90
        ),
    )

    def merchant_account(self, config: Any) -> str:
        """The merchant number, which every notification carries."""
        account: Account = config
        return account.merchant_id

    async def create(self, ctx: ProviderContext, req: CreatePayment) -> CreateResult:
        """The vendor knows an order by our number: asked again, it answers for the same one."""
        if req.flow not in PATHS or req.capture is not CaptureMode.AUTO:
            code = "not-supported"
            raise ProviderRejected(code, f"WeChat Pay has no flow {req.flow} with {req.capture}")
        order = order_for(ctx, req)
        try:
            answer = await call(ctx, "POST", PATHS[req.flow], order)
        except Refused as refused:
            # Perhaps because it is paid or closed by now, for which the vendor has no code of its own.
            seen = await self._seen(ctx, req.payment_id, refused)
            if seen is None:
                raise refused.error() from None
            return CreateResult(seen, NoAction())
        action = action_for(ctx, req, answer.read(wire.Prepared))
        snapshot = PaymentSnapshot(
            payment_id=req.payment_id,
            state=PaymentState.ACTION_REQUIRED,
            amount=req.amount,  # It took exactly this; its answer does not repeat the amount.
            raw=answer.body,
        )
        return CreateResult(snapshot, action)

    async def query(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None
    ) -> PaymentSnapshot:
        """By our number: by the vendor's it answers for paid orders only."""
        try:
            return await self._asked(ctx, payment_id)
        except Refused as refused:
            if is_code(refused.code, "ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS"):
                return snapshots.unmet(payment_id)
            raise refused.error() from None

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
        """Not offered: money is taken at once."""
        raise _not_supported()

    async def void(
        self,
        ctx: ProviderContext,
        payment_id: str,
        provider_ref: str | None,
        idempotency_key: str,
    ) -> PaymentSnapshot:
        """Not offered: nothing is held."""
        raise _not_supported()

    async def close(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None
    ) -> PaymentSnapshot:
        """The vendor closes what is unpaid, and refuses the rest: then it says what became of it."""
        account: Account = ctx.config
        target = f"{_order(payment_id)}/close"
        try:
            await call(ctx, "POST", target, wire.CloseOrder(account.merchant_id))
        except Refused as refused:
            if is_code(refused.code, "ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS"):
                return snapshots.closed(payment_id)
            seen = await self._seen(ctx, payment_id, refused)
            if seen is None:
                raise refused.error() from None
            return seen
        return snapshots.closed(payment_id)

    async def refund(self, ctx: ProviderContext, req: RefundRequest) -> RefundSnapshot:
        """Under our number, the same when it is sent again: another number would pay out twice."""
        reason = shortened(req.reason, _MOST_REASON)
        order = wire.RefundOrder(
            out_trade_no=req.payment_id,
            out_refund_no=req.refund_id,
            amount=wire.RefundTotals(fen(req.amount), fen(req.payment_total), CURRENCY),
            **({"reason": reason} if reason else {}),
            **({"notify_url": req.notify_url} if req.notify_url else {}),
        )
        try:
            answer = await call(ctx, "POST", "/v3/refund/domestic/refunds", order)
        except Refused as refused:
            if is_code(refused.code, "NOT_ENOUGH"):
                # The account has less than this, until more is sold or paid in. It is no refund yet.
                return RefundSnapshot(
                    refund_id=req.refund_id,
                    payment_id=req.payment_id,
                    state=RefundState.FAILED,
                    amount=req.amount,
                    failure_code="not-enough",
                )
            raise refused.error() from None
        return _refund(answer.read(wire.Refund), answer.body)

    async def query_refund(
        self,
        ctx: ProviderContext,
        refund_id: str,
        payment_id: str,
        provider_ref: str | None,
    ) -> RefundSnapshot:
        """By our number."""
        target = f"/v3/refund/domestic/refunds/{quote(refund_id, safe='')}"
        try:
            answer = await call(ctx, "GET", target)
        except Refused as refused:
            if is_code(refused.code, "RESOURCE_NOT_EXISTS"):
                return RefundSnapshot(
                    refund_id=refund_id, payment_id=payment_id, state=RefundState.UNKNOWN
                )
            raise refused.error() from None
        return _refund(answer.read(wire.Refund), answer.body)

    async def parse_notification(self, ctx: ProviderContext, req: RawRequest) -> Notification:
        """Verified, opened, read; at most the platform certificates are fetched for it."""
        return await read_notification(ctx, req)

    def reconcile(self, ctx: ProviderContext, day: date) -> AsyncIterator[StatementLine]:
        """The trade bill of a day in China; there from ten in the morning of the next."""
        return statement(ctx, day)

    # ---------------------------------------------------------------------------------- the vendor

    async def _asked(self, ctx: ProviderContext, payment_id: str) -> PaymentSnapshot:
        account: Account = ctx.config
        target = f"{_order(payment_id)}?mchid={account.merchant_id}"
        answer = await call(ctx, "GET", target)
        said = answer.read(wire.Transaction)
        if (said.mchid, said.out_trade_no) != (account.merchant_id, payment_id):
            code = "answer-not-ours"
            raise ProviderUnknown(code, "the vendor answered for another order")
        try:
            return snapshots.payment(said, answer.body)
        except (CommerceKitError, ValueError):
            code = "nonsense"
            raise ProviderUnknown(code, "an amount that cannot be") from None

    async def _seen(
        self, ctx: ProviderContext, payment_id: str, refused: Refused
    ) -> PaymentSnapshot | None:
        """What an order became that the vendor does nothing more with; ``None`` while it is open."""
        if refused.status in (401, 429) or refused.status >= 500:
            return None
        try:
            seen = await self._asked(ctx, payment_id)
        except Refused:
            return None
        return seen if seen.state in _ENDED else None


def _order(payment_id: str) -> str:
    return f"/v3/pay/transactions/out-trade-no/{quote(payment_id, safe='')}"


def _refund(said: wire.Refund, raw: bytes) -> RefundSnapshot:
    try:
        return snapshots.refund(said, raw)
    except (CommerceKitError, ValueError):
        code = "nonsense"
        raise ProviderUnknown(code, "an amount that cannot be") from None


def _not_supported() -> ProviderRejected:
    code = "not-supported"
    return ProviderRejected(code, "WeChat Pay takes money at once")
