"""A collector hands in what was collected: a courier's cash, by the slip that names the payments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.payments.errors import HandInNotFound, NotCollectable, PaymentNotFound, SlipKnown
from commercekit.payments.models import Account, HandIn, HandInLine, HandInWish, Payment
from commercekit.payments.providers import Flow
from commercekit.payments.repository import Draft, posting, write
from commercekit.payments.rules import clearing_account, fee_account, plan_hand_in
from commercekit.platform.failpoints import failpoint
from commercekit.platform.security import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from commercekit.kernel import Money
    from commercekit.payments.service.desk import Desk
    from commercekit.platform.db import UnitOfWork

__all__ = ["cancel_hand_in", "record_hand_in"]


async def record_hand_in(
    desk: Desk,
    hand_in_id: UUID,
    *,
    gateway: str,
    account: str,
    slip: str,
    wanted: Sequence[HandInWish],
    amount: Money,
    fee: Money,
    actor: str,
    note: str,
) -> HandIn:
    """See :meth:`PaymentService.record_hand_in`."""

    async def work(uow: UnitOfWork) -> HandIn:
        # One slip of an account at a time: none of them counts a payment that another one just took.
        await uow.lock(_lock(gateway, account))
        known = await desk.rows.hand_in(uow, hand_in_id)
        if known is not None:
            return known
        found = await desk.rows.lock_cash(uow, [wish.payment_id for wish in wanted])
        for wish in wanted:
            if wish.payment_id not in found:
                raise PaymentNotFound(wish.payment_id)
            payment, _ = found[wish.payment_id]
            if payment.flow is not Flow.OFFLINE:
                message = f"Nobody collected payment {payment.id} by hand."
                raise NotCollectable(message, gateway=payment.gateway)
        lines = plan_hand_in(
            wanted,
            {payment_id: cash for payment_id, (_, cash) in found.items()},
            place=(gateway, account),
            amount=amount,
            fee=fee,
        )
        made = HandIn(
            id=hand_in_id,
            gateway=gateway,
            account=account,
            slip=slip,
            amount=amount,
            fee=fee,
            note=note,
            recorded_by=actor,
            recorded_at=uow.clock.now(),
            lines=lines,
        )
        if not await desk.rows.add_hand_in(uow, made):
            raise SlipKnown(slip)
        payments = {payment_id: payment for payment_id, (payment, _) in found.items()}
        await _book(desk, uow, made, payments, actor, "handed-in", sign=1)
        await _audit(desk, uow, made, actor, "payments:hand-in", note)
        return made

    made = await desk.db.run(work)
    failpoint("payments.handed-in")
    return made


async def cancel_hand_in(desk: Desk, hand_in_id: UUID, *, actor: str, reason: str) -> HandIn:
    """See :meth:`PaymentService.cancel_hand_in`."""

    async def work(uow: UnitOfWork) -> HandIn:
        found = await desk.rows.hand_in(uow, hand_in_id)
        if found is None:
            raise HandInNotFound(hand_in_id)
        await uow.lock(_lock(found.gateway, found.account))
        made = await desk.rows.hand_in(uow, hand_in_id, lock=True)
        if made is None or made.cancelled_at is not None:
            return made or found
        locked = await desk.rows.lock_cash(uow, [line.payment_id for line in made.lines])
        payments = {payment_id: payment for payment_id, (payment, _) in locked.items()}
        if sum(line.amount.amount for line in made.lines) != (made.amount + made.fee).amount:
            message = f"Part of the slip {made.slip} is of a month that was archived."
            raise NotCollectable(message, slip=made.slip)
        await desk.rows.cancel_hand_in(uow, hand_in_id, by=actor, reason=reason)
        await _book(desk, uow, made, payments, actor, "hand-in-cancelled", sign=-1)
        await _audit(desk, uow, made, actor, "payments:cancel-hand-in", reason)
        return await desk.rows.hand_in(uow, hand_in_id) or made

    made = await desk.db.run(work)
    failpoint("payments.hand-in-cancelled")
    return made


def _lock(gateway: str, account: str) -> str:
    return f"hand-in:{gateway}:{account}"


async def _book(
    desk: Desk,
    uow: UnitOfWork,
    made: HandIn,
    payments: Mapping[UUID, Payment],
    actor: str,
    event: str,
    *,
    sign: int,
) -> None:
    """From the collector to the shop, payment by payment; what was kept leaves it again as a fee."""
    draft = Draft(uow.clock.now())
    for line in made.lines:
        payment = payments[line.payment_id]
        draft.post(
            payment,
            kind="hand_in",
            amount=sign * line.amount.amount,
            debit=Account.BANK,
            credit=clearing_account(made.gateway, made.account),
        )
        draft.note(
            payment.id,
            actor=actor,
            event=event,
            before=None,
            after=None,
            detail=_told(made, line),
        )
    if made.fee:
        draft.entries += posting(
            (made.id, None, made.id, made.slip),
            "fee",
            made.fee if sign > 0 else -made.fee,
            debit=fee_account(made.gateway, made.account),
            credit=Account.BANK,
            now=draft.now,
        )
    await desk.rows.move_handed_in(uow, made.lines, sign)
    await write(uow, draft)


def _told(made: HandIn, line: HandInLine) -> str:
    return f"{made.slip}: {line.amount}"


async def _audit(
    desk: Desk, uow: UnitOfWork, made: HandIn, actor: str, action: str, reason: str
) -> None:
    await desk.audit.record(
        uow,
        AuditEntry(
            actor=actor,
            action=action,
            subject=f"hand-in/{made.id}",
            reason=reason,
            details={
                "slip": made.slip,
                "amount": made.amount.amount,
                "fee": made.fee.amount,
                "currency": made.amount.currency,
                "payments": len(made.lines),
            },
        ),
    )
