"""A person decides about a difference: it is explained, booked, or written off."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.payments.errors import DifferenceNotBookable, DifferenceNotFound
from commercekit.payments.models import Account, Decision, Difference
from commercekit.payments.repository import posting
from commercekit.payments.rules import clearing_account, suspense_account
from commercekit.payments.service.desk import Desk
from commercekit.payments.service.settle_statement import conclude
from commercekit.platform.failpoints import failpoint
from commercekit.platform.security import AuditEntry

if TYPE_CHECKING:
    from commercekit.kernel import Money
    from commercekit.platform.db import UnitOfWork

__all__ = ["resolve_difference"]


async def resolve_difference(
    desk: Desk, difference_id: UUID, *, decision: Decision, actor: str, reason: str
) -> Difference:
    """See :meth:`PaymentService.resolve_difference`."""

    async def work(uow: UnitOfWork) -> Difference:
        found = await desk.rows.difference(uow, difference_id)
        if found is None:
            raise DifferenceNotFound(difference_id)
        # As everywhere: the statement before what belongs to it.
        statement = await desk.rows.statement(uow, found.statement_id, lock=True)
        found = await desk.rows.difference(uow, difference_id, lock=True)
        if found is None or statement is None:
            raise DifferenceNotFound(difference_id)
        if found.resolved_at is not None:
            return found
        if decision is not Decision.EXPLAINED:
            await _book(desk, uow, found, decision)
        await desk.audit.record(
            uow,
            AuditEntry(
                actor=actor,
                action="payments:resolve-difference",
                subject=f"difference/{found.id}",
                reason=reason,
                details={"kind": found.kind.value, "decision": decision.value},
            ),
        )
        resolved = await desk.rows.resolve_difference(
            uow, difference_id, by=actor, decision=decision, reason=reason
        )
        await conclude(desk, uow, statement)
        return resolved

    resolved = await desk.db.run(work)
    failpoint("payments.difference-resolved")
    return resolved


async def _book(desk: Desk, uow: UnitOfWork, found: Difference, decision: Decision) -> None:
    """Bring what the books have at the gateway to what the statement says."""
    delta = _delta(found)
    place = (found.gateway, found.account)
    written_off = decision is Decision.WRITTEN_OFF
    about = (
        found.payment_id or found.line_id or found.id,
        found.refund_id,
        found.line_id or found.id,
        found.reference,
    )
    entries = posting(
        about,
        "write_off" if written_off else "correction",
        delta,
        debit=clearing_account(*place),
        credit=Account.WRITTEN_OFF if written_off else suspense_account(*place),
        now=uow.clock.now(),
    )
    await desk.rows.post_all(uow, entries)


def _delta(found: Difference) -> Money:
    stated, expected = found.stated, found.expected
    if stated is not None and expected is not None:
        delta = stated - expected
    elif stated is not None:
        delta = stated
    elif expected is not None:
        delta = -expected
    else:
        delta = None
    if not delta:
        message = f"Difference {found.id} is about no money; say how it is explained."
        raise DifferenceNotBookable(message)
    return delta
