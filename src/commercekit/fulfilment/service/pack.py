"""Packing: which units go into which box, before any carrier is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import Struct

from commercekit.errors import Conflict
from commercekit.fulfilment.errors import (
    CarrierRequired,
    EmptyShipment,
    ShipmentBooked,
    TooManyParcels,
)
from commercekit.fulfilment.events import ShipmentCreated
from commercekit.fulfilment.models import (
    Booking,
    PackedParcel,
    ShipmentLine,
    ShipmentStatus,
    ShipmentView,
)
from commercekit.fulfilment.providers import TrackingNo
from commercekit.fulfilment.repository import NewShipment
from commercekit.fulfilment.rules import packed_as
from commercekit.fulfilment.service.base import FulfilmentUseCases
from commercekit.kernel import Address, Money, new_id
from commercekit.platform.failpoints import failpoint

if TYPE_CHECKING:
    from commercekit.fulfilment.service.carriers import CarrierAccount
    from commercekit.platform.db import UnitOfWork

__all__ = ["BOOK_JOB", "Packing", "ShipmentJob"]

BOOK_JOB = "fulfilment.book"
_HEAD_START = timedelta(seconds=30)
"""The request that made the shipment hands it over itself; the job is for when it died."""
_NOTHING = Money(0, "XXX")
"""No value declared; XXX is ISO 4217 for no currency."""


class ShipmentJob(Struct, frozen=True):
    """Which shipment a job is about."""

    shipment_id: UUID


class Packing(FulfilmentUseCases):
    """Makes shipments and their parcels."""

    async def create_shipment(
        self,
        uow: UnitOfWork,
        *,
        reference: str,
        lines: Sequence[ShipmentLine],
        address: Address,
        parcels: Sequence[PackedParcel] | None = None,
        shipment_id: UUID | None = None,
        order_number: str = "",
        carrier: str | None = None,
        service: str | None = None,
        tracking_number: str | None = None,
        declared: Money | None = None,
        actor: str = "system",
    ) -> ShipmentView:
        """Write the intent to send ``lines``; then commit and call :meth:`Sending.hand_over`.

        ``parcels`` say how they are packed, together exactly ``lines``; without them all goes in one.
        With a ``tracking_number``, or one for every parcel, staff arrange the transport themselves, and
        ``carrier`` is whatever name people should read; without one ``carrier`` must be installed, or
        :class:`~commercekit.fulfilment.errors.CarrierRequired` is raised. An id that is there already
        gives that shipment. Should nobody hand it over, a job does.
        """
        if not lines:
            message = "A shipment needs at least one line."
            raise EmptyShipment(message)
        await uow.lock(reference)
        summed = _summed(lines)
        boxes = packed_as(summed, parcels)
        entry = self._carriers.account_for(carrier or "", service or "")
        code = entry.carrier.code if entry is not None else ""
        tracking = _typed(code or carrier or "", tracking_number, boxes)
        if entry is None and not tracking:
            message = (
                f"{carrier!r} is no installed carrier: name one, or give the tracking number."
                if carrier
                else "Name an installed carrier, or give the tracking number."
            )
            raise CarrierRequired(message)
        if not tracking:
            _check_count(entry, len(boxes))
        name = self._carriers.name_of(entry, service or "") if entry is not None else carrier
        new = NewShipment(
            id=shipment_id or new_id(),
            reference=reference,
            number=order_number or reference,
            carrier=code,
            account=entry.account if entry is not None else "",
            carrier_name=name or "",
            service=service or "",
            booking=Booking.MANUAL if tracking else Booking.PENDING,
            tracking=tracking,
            declared=declared or _NOTHING,
            address=address,
            lines=summed,
            parcels=boxes,
            created_by=actor,
            created_at=self._clock.now(),
        )
        if await self._repository.insert(uow, new):
            uow.publish(
                ShipmentCreated(shipment_id=new.id, reference=reference, lines=list(new.lines))
            )
            await self._jobs.enqueue(
                uow,
                BOOK_JOB,
                ShipmentJob(new.id),
                due_at=new.created_at + _HEAD_START,
                unique_key=str(new.id),
            )
        return await self._locked(uow, new.id)

    async def repack(
        self, shipment_id: UUID, parcels: Sequence[PackedParcel], *, expected: int
    ) -> ShipmentView:
        """Put the same units into other boxes, as long as no carrier was told.

        Raises :class:`~commercekit.fulfilment.errors.ShipmentBooked` after that, and
        :class:`~commercekit.errors.Conflict` when the shipment is no longer at version ``expected``.
        """
        async with self._db.unit_of_work() as uow:
            shipment = await self._locked(uow, shipment_id)
            if shipment.version != expected:
                message = "The shipment was changed by somebody else."
                raise Conflict(message)
            carrier, account, asked = await self._repository.account_of(uow, shipment_id)
            if shipment.status is not ShipmentStatus.CREATED or asked:
                message = f"A shipment that is {shipment.status} and told of is not packed anew."
                raise ShipmentBooked(message, state=shipment.status, booking=shipment.booking)
            boxes = packed_as(shipment.lines, parcels)
            tracking = _typed(carrier or shipment.carrier_name, None, boxes)
            if not tracking and shipment.booking is Booking.MANUAL:
                message = "Staff arranged the transport: give every parcel its tracking number."
                raise CarrierRequired(message)
            if not tracking:
                _check_count(self._carriers.find(carrier, account), len(boxes))
            await self._repository.repack(uow, shipment_id, carrier, boxes, tracking)
            changed = await self._locked(uow, shipment_id)
        failpoint("fulfilment.repacked")
        return changed


def _typed(carrier: str, whole: str | None, parcels: Sequence[PackedParcel]) -> list[TrackingNo]:
    """The numbers staff typed: one for all, or one for each parcel; none means that we book."""
    own = [parcel.tracking_number for parcel in parcels]
    if all(own) and own:
        return [
            TrackingNo(number=number or "", carrier=carrier, parcel=position)
            for position, number in enumerate(own, 1)
        ]
    number = (whole or "").strip()
    if any(own) and not number:
        message = "Give every parcel its tracking number, or none of them."
        raise CarrierRequired(message)
    named = [
        TrackingNo(number=each, carrier=carrier, parcel=position)
        for position, each in enumerate(own, 1)
        if each
    ]
    return [TrackingNo(number=number, carrier=carrier), *named] if number else []


def _check_count(entry: CarrierAccount | None, count: int) -> None:
    if entry is not None and count > 1 and not entry.carrier.capabilities.multi_parcel:
        message = f"{entry.carrier.code} takes one parcel a shipment; make {count} shipments."
        raise TooManyParcels(message, carrier=entry.carrier.code, parcels=count)


def _summed(lines: Sequence[ShipmentLine]) -> list[ShipmentLine]:
    by_line: dict[UUID, ShipmentLine] = {}
    for line in lines:
        before = by_line.get(line.line_id)
        by_line[line.line_id] = (
            line
            if before is None
            else ShipmentLine(
                line_id=line.line_id,
                sku=line.sku,
                quantity=before.quantity + line.quantity,
                weight_grams=line.weight_grams,
            )
        )
    return list(by_line.values())
