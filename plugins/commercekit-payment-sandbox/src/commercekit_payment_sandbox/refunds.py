"""Money going back: at once, a while later, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from commercekit.kernel import Money
from commercekit.payments import RefundRequest, RefundState
from commercekit.platform.providers import ProviderRejected
from commercekit_payment_sandbox import repository
from commercekit_payment_sandbox.bank import SETTLE, Bank
from commercekit_payment_sandbox.models import Charge, PastRefund, Settle
from commercekit_payment_sandbox.scenarios import RefundScenario, of_refund

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["Refunds"]


class Refunds:
    """The refunds in the sandbox's books."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._ctx = bank.ctx

    async def refund(self, request: RefundRequest) -> tuple[PastRefund, bool]:
        """Send money back once per refund id; whether this request moved it."""
        refund_id, charge_id = UUID(request.refund_id), UUID(request.payment_id)

        async def work(uow: UnitOfWork) -> tuple[PastRefund, bool]:
            charge = await self._bank.held(uow, charge_id)
            past = await repository.refund(uow, refund_id)
            if past is not None:
                return await self._refund_again(uow, charge, past, request)
            _check_refundable(charge, request.amount)
            refund = PastRefund(
                id=refund_id,
                charge_id=charge_id,
                amount=request.amount,
                state=RefundState.PENDING,
                key=request.idempotency_key,
            )
            return await self._refund(uow, charge, refund), True

        return await self._ctx.db.run(work)

    async def _refund(self, uow: UnitOfWork, charge: Charge, refund: PastRefund) -> PastRefund:
        first, later, code = _COURSE[self._bank.liar.refund(of_refund(refund.amount.amount))]
        refund = msgspec.structs.replace(refund, state=first, failure_code=code)
        await repository.save_refund(uow, refund)
        if first is not RefundState.FAILED:
            await repository.save_charge(
                uow,
                msgspec.structs.replace(charge, refunded=charge.refunded + refund.amount.amount),
            )
        if later is not None:
            await self._ctx.enqueue(
                uow,
                SETTLE,
                Settle(charge.id, later.value, refund.id),
                due_at=self._bank.later(uow),
            )
        return refund

    async def _refund_again(
        self, uow: UnitOfWork, charge: Charge, past: PastRefund, request: RefundRequest
    ) -> tuple[PastRefund, bool]:
        if past.amount != request.amount:
            raise ProviderRejected(code="refund-id-reused", message=f"{past.amount} before")
        if past.key == request.idempotency_key:
            return past, False
        if past.state not in (RefundState.FAILED, RefundState.NEEDS_ATTENTION):
            return past, False
        if past.state is RefundState.FAILED:
            _check_refundable(charge, request.amount)
            await repository.save_charge(
                uow, msgspec.structs.replace(charge, refunded=charge.refunded + past.amount.amount)
            )
        again = msgspec.structs.replace(
            past, state=RefundState.SUCCEEDED, key=request.idempotency_key, failure_code=None
        )
        await repository.save_refund(uow, again)
        return again, True

    async def past_refund(self, refund_id: UUID) -> PastRefund | None:
        """The refund, if it was ever asked for."""
        return await repository.refund(self._ctx.db, refund_id)

    async def settle(self, job: Settle) -> None:
        """Let happen to a refund what was put off. Once: where it stands is looked at first."""

        async def work(uow: UnitOfWork) -> None:
            charge = await repository.lock_charge(uow, job.charge_id)
            if charge is not None and job.refund_id is not None:
                await self._settle(uow, charge, job.refund_id, RefundState(job.state))

        await self._ctx.db.run(work)

    async def _settle(
        self, uow: UnitOfWork, charge: Charge, refund_id: UUID, state: RefundState
    ) -> None:
        refund = await repository.refund(uow, refund_id)
        if refund is None or refund.state is state:
            return
        failed = state is RefundState.FAILED
        refund = msgspec.structs.replace(
            refund, state=state, failure_code="account-closed" if failed else None
        )
        await repository.save_refund(uow, refund)
        if failed:
            charge = msgspec.structs.replace(
                charge, refunded=charge.refunded - refund.amount.amount
            )
            await repository.save_charge(uow, charge)
        await self._bank.tell(uow, charge, refund=refund)


def _check_refundable(charge: Charge, amount: Money) -> None:
    left = charge.captured - charge.refunded
    if amount.currency != charge.amount.currency or not 0 < amount.amount <= left:
        raise ProviderRejected(code="refund-exceeds-captured", message=f"{amount} of {left} left")


_R = RefundState
_COURSE: dict[RefundScenario, tuple[RefundState, RefundState | None, str | None]] = {
    RefundScenario.SUCCEED: (_R.SUCCEEDED, None, None),
    RefundScenario.PENDING: (_R.PENDING, _R.SUCCEEDED, None),
    RefundScenario.PENDING_FAIL: (_R.PENDING, _R.FAILED, None),
    RefundScenario.FAIL: (_R.FAILED, None, "card-expired"),
    RefundScenario.FAIL_LATER: (_R.SUCCEEDED, _R.FAILED, None),
    RefundScenario.TIMEOUT: (_R.SUCCEEDED, None, None),
    RefundScenario.ATTENTION: (_R.NEEDS_ATTENTION, None, "account-closed"),
}
"""Where a refund stands at once, where a while later, and why."""
