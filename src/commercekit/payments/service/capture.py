"""Take money that is held, or let it go."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from commercekit.kernel import Money
from commercekit.payments.errors import OperationInProgress, PaymentRefused
from commercekit.payments.models import PAYMENT_STEPS, Operation, Payment, PaymentStatus
from commercekit.payments.providers import PaymentSnapshot, PaymentState
from commercekit.payments.rules import QUERY_AFTER, check_capture
from commercekit.payments.service.desk import Desk, logger
from commercekit.payments.service.query import SILENT, book
from commercekit.platform.failpoints import failpoint
from commercekit.platform.providers import ProviderRejected
from commercekit.platform.security import AuditEntry

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["capture", "resume_operation", "void"]

_RESULT = {Operation.CAPTURE: PaymentStatus.PAID, Operation.VOID: PaymentStatus.CLOSED}
_SEEN = {Operation.CAPTURE: PaymentState.PAID, Operation.VOID: PaymentState.CLOSED}


async def capture(
    desk: Desk, payment_id: UUID, amount: Money | None, *, actor: str, operation_id: UUID | None
) -> Payment:
    """See :meth:`PaymentService.capture`."""
    return await _operate(
        desk, payment_id, Operation.CAPTURE, amount, actor=actor, operation_id=operation_id
    )


async def void(desk: Desk, payment_id: UUID, *, actor: str, operation_id: UUID | None) -> Payment:
    """See :meth:`PaymentService.void`."""
    return await _operate(
        desk, payment_id, Operation.VOID, None, actor=actor, operation_id=operation_id
    )


async def _operate(
    desk: Desk,
    payment_id: UUID,
    operation: Operation,
    amount: Money | None,
    *,
    actor: str,
    operation_id: UUID | None,
) -> Payment:
    """Write the intention down, commit, ask. A repetition finds the intention and looks first."""
    payment = await desk.payment(payment_id)

    async def intend(uow: UnitOfWork) -> tuple[Payment, bool]:
        locked = await desk.locked(uow, payment.id, payment.reference)
        taken = None
        if operation is Operation.CAPTURE:
            taken = locked.authorised if amount is None else amount
        minor = None if taken is None else taken.amount
        if operation_id is not None and locked.operation_id == operation_id:
            return locked, False
        if locked.operation is not None:
            if (locked.operation, locked.operation_amount) != (operation, minor):
                message = f"Payment {locked.id} waits for the answer to a {locked.operation}."
                raise OperationInProgress(message)
            return locked, False
        _check(desk, locked, operation, taken)
        return await _intend(desk, uow, locked, operation, minor, actor, operation_id), True

    intended, fresh = await desk.db.run(intend)
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
    if seen.state is _SEEN[payment.operation]:
        return await book(desk, payment, seen, source="query", ends=payment.operation)
    return await _ask(desk, payment)


async def _ask(desk: Desk, payment: Payment) -> Payment:
    account = desk.account_of(payment)
    gateway, context = account.gateway, account.context
    operation = payment.operation
    if operation is None:
        return payment
    key = f"{payment.id.hex}-{operation}"

    async def ask() -> PaymentSnapshot:
        ours, theirs = payment.id.hex, payment.provider_ref
        if operation is Operation.VOID:
            return await gateway.void(context, ours, theirs, key)
        amount = Money(payment.operation_amount or 0, payment.amount.currency)
        return await gateway.capture(context, ours, theirs, amount, key)

    try:
        snapshot = await desk.gateways.ask(account, operation.value, ask)
    except SILENT as error:
        logger.warning("payment %s: %s unanswered: %s", payment.id, operation, error)
        return payment
    except ProviderRejected as error:
        await _give_up(desk, payment)
        message = f"{gateway.code} refuses to {operation} payment {payment.id}: {error.code}."
        raise PaymentRefused(message, code=error.code) from None
    failpoint(f"payments.{operation}-answered")
    return await book(desk, payment, snapshot, source="answer", ends=operation)


def _check(desk: Desk, payment: Payment, operation: Operation, taken: Money | None) -> None:
    PAYMENT_STEPS.check(payment.status, _RESULT[operation])
    if payment.status is not PaymentStatus.AUTHORISED:
        message = (
            f"Payment {payment.id} is {payment.status}; a {operation} needs an authorised one."
        )
        raise PaymentRefused(message)
    able = desk.account_of(payment).gateway.capabilities
    if taken is not None:
        check_capture(payment, taken, able)
    elif not able.void:
        message = f"{payment.gateway} cannot give an authorisation up; let it run out."
        raise PaymentRefused(message)


async def _intend(
    desk: Desk,
    uow: UnitOfWork,
    payment: Payment,
    operation: Operation,
    amount: int | None,
    actor: str,
    operation_id: UUID | None,
) -> Payment:
    await desk.rows.note(
        uow,
        payment.id,
        actor=actor,
        event=f"{operation}-asked",
        before=payment.status.value,
        after=payment.status.value,
        detail="" if amount is None else str(Money(amount, payment.amount.currency)),
    )
    await desk.audit.record(
        uow,
        AuditEntry(
            actor=actor,
            action=f"payments:{operation}",
            subject=f"payment/{payment.id}",
            details={"amount": amount, "currency": payment.amount.currency},
        ),
    )
    return await desk.rows.save_payment(
        uow,
        msgspec.structs.replace(
            payment, operation=operation, operation_amount=amount, operation_id=operation_id
        ),
        next_query_at=uow.clock.now() + QUERY_AFTER[0],
    )


async def _give_up(desk: Desk, payment: Payment) -> None:
    async def work(uow: UnitOfWork) -> None:
        locked = await desk.locked(uow, payment.id, payment.reference)
        if locked.operation is payment.operation:
            await desk.rows.save_payment(
                uow,
                msgspec.structs.replace(
                    locked, operation=None, operation_amount=None, operation_id=None
                ),
                next_query_at=None,
            )

    await desk.db.run(work)
