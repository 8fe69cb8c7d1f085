"""What came back or got lost: opened, counted, and sent once more if staff decide so.

Money is none of fulfilment's business: what a shopper gets back for goods that never arrived is decided
where refunds are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.fulfilment.errors import ParcelInspected, ParcelNotBack, ParcelNotFound
from commercekit.fulfilment.events import ShipmentInspected, ShipmentSentAgain
from commercekit.fulfilment.models import FoundLine, ParcelView, ShipmentStatus, ShipmentView
from commercekit.fulfilment.rules import check_found, in_parcels, lines_in
from commercekit.fulfilment.service.track import Tracking
from commercekit.platform.failpoints import failpoint

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["ComingBack"]


class ComingBack(Tracking):
    """After a parcel's way ended where it should not."""

    async def inspect(
        self,
        shipment_id: UUID,
        position: int,
        found: Sequence[FoundLine],
        *,
        send_again: bool = False,
        actor: str,
    ) -> ShipmentView:
        """Open a parcel that came back: what is sellable becomes stock, the rest does not.

        With ``send_again`` its units are the order's again in the same transaction, so that nobody else
        buys them in between. The same numbers again change nothing; others raise
        :class:`~commercekit.fulfilment.errors.ParcelInspected`. Raises
        :class:`~commercekit.fulfilment.errors.ParcelNotBack` for a parcel that is not here.
        """

        async def work(uow: UnitOfWork) -> ShipmentView:
            shipment = await self._locked(uow, shipment_id)
            parcel = _parcel(shipment, position)
            counted = check_found(parcel, found)
            if parcel.inspected_at is not None:
                known = {x.line_id: (x.sellable or 0, x.damaged or 0) for x in parcel.lines}
                if known != counted:
                    message = f"Parcel {position} was opened before, and something else was found."
                    raise ParcelInspected(message)
            elif parcel.status is not ShipmentStatus.RETURNED:
                message = f"Parcel {position} is {parcel.status}; it is opened when it is here."
                raise ParcelNotBack(message, state=parcel.status)
            else:
                await self._repository.record_inspection(
                    uow, shipment_id, position, counted, actor=actor, now=self._clock.now()
                )
                uow.publish(
                    ShipmentInspected(
                        shipment_id=shipment.id,
                        reference=shipment.reference,
                        lines=lines_in(shipment, [position]),
                        parcels=[position],
                        sellable=in_parcels(shipment, {k: n for k, (n, _) in counted.items()}),
                        damaged=in_parcels(shipment, {k: n for k, (_, n) in counted.items()}),
                    )
                )
                await uow.flush()
            if send_again:
                await self._send_again(uow, await self._locked(uow, shipment_id), position, actor)
            return await self._locked(uow, shipment_id)

        after = await self._db.run(work)
        failpoint("fulfilment.inspected")
        return after

    async def send_again(self, shipment_id: UUID, position: int, *, actor: str) -> ShipmentView:
        """Give the units of a lost or opened parcel back to the order, to be shipped once more.

        Stock is promised anew, first come first served; the order may refuse, and then nothing happens.
        Repeating it changes nothing. Raises
        :class:`~commercekit.fulfilment.errors.ParcelNotBack` while the parcel may still arrive, and for
        one that came back and was not opened yet.
        """

        async def work(uow: UnitOfWork) -> ShipmentView:
            shipment = await self._locked(uow, shipment_id)
            await self._send_again(uow, shipment, position, actor)
            return await self._locked(uow, shipment_id)

        after = await self._db.run(work)
        failpoint("fulfilment.sent-again")
        return after

    async def _send_again(
        self, uow: UnitOfWork, shipment: ShipmentView, position: int, actor: str
    ) -> None:
        parcel = _parcel(shipment, position)
        if parcel.sent_again_at is not None:
            return
        if parcel.status is not ShipmentStatus.FAILED and parcel.inspected_at is None:
            message = (
                f"Parcel {position} came back and was not opened yet."
                if parcel.status is ShipmentStatus.RETURNED
                else f"Parcel {position} is {parcel.status}: it is neither lost nor back."
            )
            raise ParcelNotBack(message, state=parcel.status)
        await self._repository.mark_sent_again(
            uow, shipment.id, position, actor=actor, now=self._clock.now()
        )
        uow.publish(
            ShipmentSentAgain(
                shipment_id=shipment.id,
                reference=shipment.reference,
                lines=lines_in(shipment, [position]),
                parcels=[position],
            )
        )
        await uow.flush()


def _parcel(shipment: ShipmentView, position: int) -> ParcelView:
    for parcel in shipment.parcels:
        if parcel.position == position:
            return parcel
    message = f"The shipment has no parcel {position}."
    raise ParcelNotFound(message)
