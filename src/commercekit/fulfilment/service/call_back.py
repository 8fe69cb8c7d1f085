"""Calling a shipment back before it travels, and printing what is stuck on it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from commercekit.fulfilment.errors import LabelUnavailable, ParcelNotFound, ShipmentOnItsWay
from commercekit.fulfilment.models import Booking, ShipmentStatus, ShipmentView
from commercekit.fulfilment.providers import CANCEL, LABEL, CancelOutcome, Label, ShipmentRef
from commercekit.fulfilment.service.send import Sending
from commercekit.platform.failpoints import failpoint
from commercekit.platform.providers import ProviderRejected, ProviderUnknown

if TYPE_CHECKING:
    from commercekit.fulfilment.service.carriers import CarrierAccount
    from commercekit.fulfilment.service.pack import ShipmentJob
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.jobs import JobContext

__all__ = ["CallingBack"]

_log = structlog.get_logger("commercekit.fulfilment")
_STILL_OURS = (ShipmentStatus.CREATED, ShipmentStatus.HANDED_OVER)


class CallingBack(Sending):
    """What may still be stopped, and what may not."""

    async def cancel(self, shipment_id: UUID) -> ShipmentView:
        """Take a shipment back before it travels; repeating it changes nothing.

        A carrier that was told is asked first. Raises
        :class:`~commercekit.fulfilment.errors.ShipmentOnItsWay` with the ``reason``: ``travelling``,
        ``handed-over-by-staff``, ``carrier-cannot-cancel``, ``too-late`` or the carrier's own code.
        """
        shipment = await self.shipment(shipment_id)
        if shipment.status is ShipmentStatus.CANCELLED:
            return shipment
        if shipment.status not in _STILL_OURS:
            raise _on_its_way(shipment, "travelling")
        entry, asked = await self._entry(shipment_id) if shipment.carrier else (None, False)
        told = asked or shipment.booking is Booking.BOOKED
        if shipment.status is ShipmentStatus.HANDED_OVER and not told:
            raise _on_its_way(shipment, "handed-over-by-staff")
        if told and entry is not None:
            await self._call_back(shipment, entry)
            failpoint("fulfilment.called-back")

        async def work(uow: UnitOfWork) -> ShipmentView | None:
            now = await self._locked(uow, shipment_id)
            if now.status is not ShipmentStatus.CANCELLED:
                if now.status not in _STILL_OURS:
                    raise _on_its_way(now, "travelling")
                if now.status is ShipmentStatus.HANDED_OVER and not told:
                    # Somebody handed it over while we believed that nobody had: ask those who have it.
                    return None
                everything = {parcel.position: ShipmentStatus.CANCELLED for parcel in now.parcels}
                await self._advance(uow, now, everything, at=self._clock.now())
            return await self._locked(uow, shipment_id)

        cancelled = await self._db.run(work)
        if cancelled is None:
            return await self.cancel(shipment_id)
        failpoint("fulfilment.cancelled")
        return cancelled

    async def call_back_job(self, context: JobContext) -> None:
        """Take back at the carrier what was cancelled here while the carrier was booking it."""
        job: ShipmentJob = context.payload
        entry, _ = await self._entry(job.shipment_id)
        try:
            await self._call_back(await self.shipment(job.shipment_id), entry)
        except ShipmentOnItsWay:
            _log.error("cancelled-shipment-travels", shipment_id=str(job.shipment_id))

    async def label(self, shipment_id: UUID, fmt: str, parcel: int | None = None) -> Label:
        """The label of a booked shipment, or of one of its parcels; printing it twice buys nothing.

        Raises :class:`~commercekit.fulfilment.errors.LabelUnavailable` before the booking, and for
        carriers and formats that have none.
        """
        shipment = await self.shipment(shipment_id)
        if shipment.booking is not Booking.BOOKED:
            message = f"The booking is {shipment.booking}: there is nothing to print."
            raise LabelUnavailable(message, booking=shipment.booking)
        numbers = {each.position: each.tracking_number for each in shipment.parcels}
        if parcel is not None and parcel not in numbers:
            message = f"The shipment has no parcel {parcel}."
            raise ParcelNotFound(message)
        entry, _ = await self._entry(shipment_id)
        if not entry.carrier.capabilities.label:
            message = f"{entry.carrier.code} prints no labels."
            raise LabelUnavailable(message)
        found = await self._repository.consignment(self._db, shipment_id)
        ref = ShipmentRef(
            shipment_id=shipment.id.hex,
            provider_ref=found.provider_ref or "",
            tracking=[
                each
                for each in shipment.tracking
                if parcel is None or each.number == numbers[parcel]
            ],
        )
        try:
            return await self._caller.call(
                LABEL,
                entry.carrier.code,
                lambda: entry.carrier.label(entry.context, ref, fmt),
            )
        except ProviderRejected as refusal:
            message = f"{entry.carrier.code} prints no label like this: {refusal.code}."
            raise LabelUnavailable(message, reason=refusal.code) from refusal

    async def _call_back(self, shipment: ShipmentView, entry: CarrierAccount) -> None:
        found = await self._repository.consignment(self._db, shipment.id)
        if not entry.carrier.capabilities.cancel:
            if shipment.status is ShipmentStatus.HANDED_OVER:
                raise _on_its_way(shipment, "carrier-cannot-cancel")
            return
        ref = ShipmentRef(
            shipment_id=shipment.id.hex,
            provider_ref=found.provider_ref or "",
            tracking=shipment.tracking,
        )
        answer = await self._caller.call(
            CANCEL, entry.carrier.code, lambda: entry.carrier.cancel(entry.context, ref)
        )
        if answer.outcome is CancelOutcome.TOO_LATE:
            raise _on_its_way(shipment, answer.code or "too-late")
        if answer.outcome is CancelOutcome.UNKNOWN:
            raise ProviderUnknown(answer.code or "unknown")


def _on_its_way(shipment: ShipmentView, reason: str) -> ShipmentOnItsWay:
    message = f"A shipment that is {shipment.status} cannot be called back: {reason}."
    return ShipmentOnItsWay(message, state=str(shipment.status), reason=reason)
