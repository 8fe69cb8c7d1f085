"""The payer's bank asks for the money back, and decides a while later."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from commercekit.kernel import new_id
from commercekit.payments import DisputeState
from commercekit_payment_sandbox import repository
from commercekit_payment_sandbox.bank import SETTLE, Bank
from commercekit_payment_sandbox.models import Charge, PastDispute, Settle
from commercekit_payment_sandbox.scenarios import Scenario

if TYPE_CHECKING:
    from uuid import UUID

    from commercekit.platform.db import UnitOfWork

__all__ = ["Disputes"]

_S = DisputeState
_NEXT: Final = {
    (Scenario.DISPUTE_LOST, _S.NEEDS_RESPONSE): _S.LOST,
    (Scenario.DISPUTE_WON, _S.NEEDS_RESPONSE): _S.WON,
    (Scenario.INQUIRY, _S.INQUIRY): _S.CLOSED,
}
_RANK: Final = {_S.INQUIRY: 0, _S.NEEDS_RESPONSE: 1, _S.UNDER_REVIEW: 2}
_HELD: Final = (_S.NEEDS_RESPONSE, _S.UNDER_REVIEW, _S.LOST)
_TO_ANSWER: Final = timedelta(days=7)


class Disputes:
    """The disputes in the sandbox's books: one at most for each charge."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._ctx = bank.ctx

    async def settle(self, job: Settle) -> None:
        """Let the bank take its next step, and plan the one after it."""
        if job.dispute is not None:
            await self.bring(job.charge_id, DisputeState(job.dispute))

    async def bring(self, charge_id: UUID, state: DisputeState) -> None:
        """Have the payer's bank do this. Never backwards; nothing happens to what was not taken."""

        async def work(uow: UnitOfWork) -> None:
            charge = await repository.lock_charge(uow, charge_id)
            if charge is not None and charge.captured:
                await self._bring(uow, charge, state)

        await self._ctx.db.run(work)

    async def _bring(self, uow: UnitOfWork, charge: Charge, state: DisputeState) -> None:
        now = uow.clock.now()
        known = await repository.dispute_of(uow, charge.id)
        if known is not None and _RANK.get(known.state, 3) >= _RANK.get(state, 3):
            return
        dispute = known or PastDispute(
            id=new_id(),
            charge_id=charge.id,
            amount=charge.captured,
            withdrawn=0,
            state=state,
            evidence_due_at=now + _TO_ANSWER,
            updated_at=now,
        )
        withdrawn = charge.captured if state in _HELD else 0
        moved = withdrawn - dispute.withdrawn
        dispute = msgspec.structs.replace(dispute, state=state, withdrawn=withdrawn, updated_at=now)
        await repository.save_dispute(uow, charge, dispute, moved=moved)
        await self._bank.tell(uow, charge, dispute=dispute)
        following = _NEXT.get((charge.scenario, state))
        if following is not None:
            job = Settle(charge.id, charge.state.value, dispute=following.value)
            await self._ctx.enqueue(uow, SETTLE, job, due_at=self._bank.later(uow))
