"""Take money that is held, or let it go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from commercekit.kernel import Money, new_id
from commercekit.payments.errors import OperationInProgress, PaymentRefused
from commercekit.payments.models import (
    PAYMENT_STEPS,
    AttentionKind,
    Operation,
    Payment,
    PaymentStatus,
)
from commercekit.payments.providers import PaymentSnapshot, PaymentState
from commercekit.payments.repository import Draft, write
from commercekit.payments.rules import QUERY_AFTER, check_capture
from commercekit.payments.service.desk import Desk, logger
from commercekit.payments.service.query import SILENT, book
from commercekit.platform.failpoints import failpoint
from commercekit.platform.providers import ProviderRejected
from commercekit.platform.security import AuditEntry

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["capture", "give_up", "resume_operation", "void"]

_RESULT = {Operation.CAPTURE: PaymentStatus.PAID, Operation.VOID: PaymentStatus.CLOSED}
_OVER = (PaymentState.PAID, PaymentState.CLOSED, PaymentState.FAILED)


async def capture(
    desk: Desk,
    payment_id: UUID,
    amount: Money | None,
    *,
    final: bool,
    actor: str,
    operation_id: UUID | None,
) -> Payment:
    """See :meth:`PaymentService.capture`."""
    wish = _Wish(Operation.CAPTURE, amount, final=final, actor=actor, operation_id=operation_id)
    return await _operate(desk, payment_id, wish)


async def void(desk: Desk, payment_id: UUID, *, actor: str, operation_id: UUID | None) -> Payment:
    """See :meth:`PaymentService.void`."""
    wish = _Wish(Operation.VOID, None, final=True, actor=actor, operation_id=operation_id)
    return await _operate(desk, payment_id, wish)


async def give_up(
    desk: Desk, uow: UnitOfWork, payment_id: UUID, *, actor: str, reason: str
) -> bool:
    """See :meth:`PaymentService.give_up`."""
    payment = await desk.payment(payment_id, db=uow)
    locked = await desk.locked(uow, payment.id, payment.reference)
    able = desk.account_of(locked).gateway.capabilities
    if locked.status is not PaymentStatus.AUTHORISED or locked.operation is not None:
        return False
    if not able.void:
        return False
    wish = _Wish(Operation.VOID, None, final=True, actor=actor, operation_id=None)
    await _intend(desk, uow, locked, wish, None, due=uow.clock.now(), reason=reason)
    return True


@dataclass(frozen=True, slots=True)
class _Wish:
    operation: Operation
    amount: Money | None
    final: bool
    actor: str
    operation_id: UUID | None


async def _operate(desk: Desk, payment_id: UUID, wish: _Wish) -> Payment:
    """Write the intention down, commit, ask. A repetition finds the intention and looks first."""
    payment = await desk.payment(payment_id)

    async def intend(uow: UnitOfWork) -> tuple[Payment, bool]:
        locked = await desk.locked(uow, payment.id, payment.reference)
        taken = None
        if wish.operation is Operation.CAPTURE:
            taken = locked.held if wish.amount is None else wish.amount
        minor = None if taken is None else taken.amount
        if wish.operation_id is not None and locked.operation_id == wish.operation_id:
            return locked, False
        if locked.operation is not None:
            if (locked.operation, locked.operation_amount) != (wish.operation, minor):
                message = f"Payment {locked.id} waits for the answer to a {locked.operation}."
                raise OperationInProgress(message)
            return locked, False
        _check(desk, locked, wish, taken)
        due = uow.clock.now() + QUERY_AFTER[0]
        return await _intend(desk, uow, locked, wish, taken, due=due), True

    intended, fresh = await desk.db.run(intend)
    failpoint(f"payments.{wish.operation}-intended")
    if fresh:
        return await _ask(desk, intended)
    return await resume_operation(desk, intended)


async def resume_operation(desk: Desk, payment: Payment) -> Payment:
    """Find out what became of an operation without an answer; ask for it again if nothing did."""
    if payment.operation is None:
        return payment
    account = desk.account_of(payment)
    gateway, context = account.gateway, account.context
    if not gateway.capabilities.query:
        return await _ask(desk, payment)
    try:
        seen = await desk.gateways.ask(
            account,
            "query",
            lambda: gateway.query(context, payment.id.hex, payment.provider_ref),
        )
    except SILENT as error:
        logger.warning("payment %s: %s still unanswered: %s", payment.id, payment.operation, error)
        return payment
    if seen.state in _OVER or _captured(payment, seen):
        return await book(desk, payment, seen, source="query")
    return await _ask(desk, payment)


def _captured(payment: Payment, seen: PaymentSnapshot) -> bool:
    """Whether the capture that was asked for is in what the gateway has taken."""
    if payment.operation is not Operation.CAPTURE or seen.captured is None:
        return False
    return seen.captured.amount >= payment.captured.amount + (payment.operation_amount or 0)


async def _ask(desk: Desk, payment: Payment) -> Payment:
    account = desk.account_of(payment)
    gateway, context = account.gateway, account.context
    operation = payment.operation
    if operation is None:
        return payment
    wish = "" if payment.operation_id is None else f"-{payment.operation_id.hex}"
    key = f"{payment.id.hex}-{operation}{wish}"

    async def ask() -> PaymentSnapshot:
        ours, theirs = payment.id.hex, payment.provider_ref
        if operation is Operation.VOID:
            return await gateway.void(context, ours, theirs, key)
        amount = Money(payment.operation_amount or 0, payment.amount.currency)
        if payment.operation_final:
            return await gateway.capture(context, ours, theirs, amount, key)
        return await gateway.capture(context, ours, theirs, amount, key, final=False)

    try:
        snapshot = await desk.gateways.ask(account, operation.value, ask)
    except SILENT as error:
        logger.warning("payment %s: %s unanswered: %s", payment.id, operation, error)
        return payment
    except ProviderRejected as error:
        await _forget(desk, payment)
        message = f"{gateway.code} refuses to {operation} payment {payment.id}: {error.code}."
        raise PaymentRefused(message, code=error.code) from None
    failpoint(f"payments.{operation}-answered")
    booked = await book(desk, payment, snapshot, source="answer")
    failpoint(f"payments.{operation}-booked")
    return booked


def _check(desk: Desk, payment: Payment, wish: _Wish, taken: Money | None) -> None:
    PAYMENT_STEPS.check(payment.status, _RESULT[wish.operation])
    if payment.status is not PaymentStatus.AUTHORISED:
        message = (
            f"Payment {payment.id} is {payment.status}; a {wish.operation} needs an authorised one."
        )
        raise PaymentRefused(message)
    able = desk.account_of(payment).gateway.capabilities
    if taken is not None:
        check_capture(payment, taken, able, final=wish.final)
    elif not able.void:
        message = f"{payment.gateway} cannot give an authorisation up; let it run out."
        raise PaymentRefused(message)


async def _intend(
    desk: Desk,
    uow: UnitOfWork,
    payment: Payment,
    wish: _Wish,
    taken: Money | None,
    *,
    due: datetime,
    reason: str = "",
) -> Payment:
    amount = None if taken is None else taken.amount
    await desk.audit.record(
        uow,
        AuditEntry(
            actor=wish.actor,
            action=f"payments:{wish.operation}",
            subject=f"payment/{payment.id}",
            reason=reason,
            details={"amount": amount, "currency": payment.amount.currency},
        ),
    )
    draft = Draft(uow.clock.now())
    intended = msgspec.structs.replace(
        payment,
        operation=wish.operation,
        operation_amount=amount,
        operation_id=wish.operation_id or new_id(),
        operation_final=wish.final or taken == payment.held,
        version=payment.version + 1,
        updated_at=draft.now,
    )
    draft.note(
        payment.id,
        actor=wish.actor,
        event=f"{wish.operation}-asked",
        before=payment.status.value,
        after=payment.status.value,
        detail=reason or ("" if taken is None else str(taken)),
    )
    draft.save(intended, next_query_at=due)
    await write(uow, draft)
    return intended


async def _forget(desk: Desk, payment: Payment) -> None:
    async def work(uow: UnitOfWork) -> None:
        locked = await desk.locked(uow, payment.id, payment.reference)
        if locked.operation is not payment.operation:
            return
        draft = Draft(uow.clock.now())
        idle = msgspec.structs.replace(
            locked,
            operation=None,
            operation_amount=None,
            operation_id=None,
            version=locked.version + 1,
            updated_at=draft.now,
        )
        draft.save(idle, next_query_at=None)
        draft.settle_attention(locked.id, AttentionKind.UNANSWERED)
        await write(uow, draft)

    await desk.db.run(work)
