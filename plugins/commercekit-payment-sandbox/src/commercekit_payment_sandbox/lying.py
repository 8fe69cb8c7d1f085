"""The sandbox as a provider that drops, doubles, delays, contradicts itself and falls silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from commercekit_payment_sandbox.gateway import SandboxGateway

if TYPE_CHECKING:
    from commercekit.kernel import Money
    from commercekit.payments import (
        CreatePayment,
        CreateResult,
        PaymentSnapshot,
        RefundRequest,
        RefundSnapshot,
    )
    from commercekit.platform.providers import ProviderContext
    from commercekit_payment_sandbox.bank import Bank
    from commercekit_payment_sandbox.lies import Liar

__all__ = ["LyingGateway"]


class LyingGateway(SandboxGateway):
    """Lies as often as its bank's liar tells it to.

    Every call may be refused, lost before it is carried out, or lost after; every question may be
    answered with what held earlier. What is lied about money and notifications is up to the bank.

    :attr:`liar` says what was lied, and can be forced to lie.
    """

    def __init__(self, bank: Bank) -> None:
        super().__init__(bank)
        self.liar: Liar = bank.liar

    async def create(self, ctx: ProviderContext, req: CreatePayment) -> CreateResult:
        """As the sandbox, if at all."""
        honest = super().create
        return await self.liar.call(lambda: honest(ctx, req))

    async def query(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None
    ) -> PaymentSnapshot:
        """As the sandbox; or silence; or that the payment is pending, which it was once."""
        honest = super().query
        seen = await self.liar.call(lambda: honest(ctx, payment_id, provider_ref))
        state = self.liar.state(seen.state)
        if state is seen.state:
            return seen
        return msgspec.structs.replace(seen, state=state, captured=None, failure_code=None)

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
        """As the sandbox, if at all."""
        honest = super().capture
        return await self.liar.call(
            lambda: honest(ctx, payment_id, provider_ref, amount, idempotency_key, final=final)
        )

    async def void(
        self,
        ctx: ProviderContext,
        payment_id: str,
        provider_ref: str | None,
        idempotency_key: str,
    ) -> PaymentSnapshot:
        """As the sandbox, if at all."""
        honest = super().void
        return await self.liar.call(lambda: honest(ctx, payment_id, provider_ref, idempotency_key))

    async def close(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None
    ) -> PaymentSnapshot:
        """As the sandbox, if at all."""
        honest = super().close
        return await self.liar.call(lambda: honest(ctx, payment_id, provider_ref))

    async def refund(self, ctx: ProviderContext, req: RefundRequest) -> RefundSnapshot:
        """As the sandbox, if at all."""
        honest = super().refund
        return await self.liar.call(lambda: honest(ctx, req))

    async def query_refund(
        self, ctx: ProviderContext, refund_id: str, payment_id: str, provider_ref: str | None
    ) -> RefundSnapshot:
        """As the sandbox; or silence; or that it knows of no such refund."""
        honest = super().query_refund
        seen = await self.liar.call(lambda: honest(ctx, refund_id, payment_id, provider_ref))
        return msgspec.structs.replace(seen, state=self.liar.refund_state(seen.state))
