"""Before another way to pay is opened, the one that is open is closed, by asking its gateway."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
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

__all__ = ["close_others", "end_open"]

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
            await desk.db.run(partial(_end, desk, payment=payment, after=QUERY_AFTER[0]))


async def end_open(desk: Desk, uow: UnitOfWork, reference: str, *, keep: UUID | None) -> int:
    """See :meth:`PaymentService.end_open`."""
    await uow.lock(reference)
    ended = 0
    for payment in await desk.rows.payments_of(uow, reference, lock=True):
        if payment.id != keep:
            ended += await _end(desk, uow, payment=payment, after=timedelta())
    return ended


async def _end(desk: Desk, uow: UnitOfWork, *, payment: Payment, after: timedelta) -> bool:
    """Have the sweep close it: from now on it is a payment whose time is over."""
    locked = await desk.locked(uow, payment.id, payment.reference)
    if locked.status not in _OPEN:
        return False
    draft = Draft(uow.clock.now())
    over = msgspec.structs.replace(
        locked, expires_at=draft.now, version=locked.version + 1, updated_at=draft.now
    )
    draft.save(over, next_query_at=draft.now + after)
    draft.note(
        payment.id,
        actor="shop",
        event="payment-superseded",
        before=locked.status.value,
        after=locked.status.value,
    )
    await write(uow, draft)
    return True
