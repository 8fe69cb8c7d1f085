"""Before another way to pay is opened, the one that is open is closed, by asking its gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from commercekit.payments.errors import GatewayUnavailable
from commercekit.payments.models import Payment, PaymentStatus
from commercekit.payments.repository import Draft, write
from commercekit.payments.rules import QUERY_AFTER
from commercekit.payments.service.desk import Desk, logger
from commercekit.payments.service.query import close

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["close_others"]

_OPEN = (PaymentStatus.CREATED, PaymentStatus.PENDING)


async def close_others(desk: Desk, reference: str, *, keep: UUID | None, actor: str) -> None:
    """See :meth:`PaymentService.close_others`."""
    for payment in await desk.rows.payments_of(desk.db, reference):
        if payment.status not in _OPEN or payment.id == keep:
            continue
        try:
            await close(desk, payment.id, actor=actor)
        except GatewayUnavailable as error:
            logger.warning("payment %s: closed later: %s", payment.id, error)
            await _expire(desk, payment)


async def _expire(desk: Desk, payment: Payment) -> None:
    """Have the sweep close it: from now on it is a payment whose time is over."""

    async def work(uow: UnitOfWork) -> None:
        locked = await desk.locked(uow, payment.id, payment.reference)
        if locked.status not in _OPEN:
            return
        draft = Draft(uow.clock.now())
        over = msgspec.structs.replace(
            locked, expires_at=draft.now, version=locked.version + 1, updated_at=draft.now
        )
        draft.save(over, next_query_at=draft.now + QUERY_AFTER[0])
        draft.note(
            payment.id,
            actor="shop",
            event="payment-superseded",
            before=locked.status.value,
            after=locked.status.value,
        )
        await write(uow, draft)

    await desk.db.run(work)
