"""Book, hand over, follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from commercekit.errors import Conflict
from commercekit.fulfilment.errors import CarrierUnknown
from commercekit.fulfilment.models import Booking, ShipmentStatus, ShipmentView
from commercekit.fulfilment.providers import (
    CREATE,
    FIND,
    SUBSCRIBE,
    CreateShipment,
    Parcel,
    ParcelItem,
    Party,
    Shipment,
    SubscribeResult,
    TrackingNo,
    TrackQuery,
)
from commercekit.fulfilment.rules import FINAL
from commercekit.fulfilment.service.pack import Packing, ShipmentJob
from commercekit.platform.failpoints import failpoint
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)

if TYPE_CHECKING:
    from commercekit.fulfilment.service.carriers import CarrierAccount
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.jobs import JobContext

__all__ = ["CALL_BACK_JOB", "POLL_JOB", "SUBSCRIBE_JOB", "Sending"]

_log = structlog.get_logger("commercekit.fulfilment")

CALL_BACK_JOB = "fulfilment.call-back"
POLL_JOB = "fulfilment.poll"
SUBSCRIBE_JOB = "fulfilment.subscribe"


class Sending(Packing):
    """A shipment's way to the carrier."""

    async def hand_over(self, shipment_id: UUID) -> ShipmentView:
        """Book with the carrier, if there is one to tell, and count the goods as gone.

        Safe to repeat: what was booked is not booked again. When the carrier refuses, the shipment
        stays ``created`` with ``booking`` ``refused`` and its ``failure_code``; when it does not
        answer, ``booking`` stays ``pending`` and a job goes on. Never call it inside a unit of work.
        """
        shipment = await self.shipment(shipment_id)
        if shipment.status is not ShipmentStatus.CREATED:
            return shipment
        if shipment.booking in (Booking.MANUAL, Booking.BOOKED):
            return await self._hand_over(shipment_id, None)
        entry, asked = await self._entry(shipment_id)
        try:
            booked = await self._book(entry, shipment_id, asked=asked)
        except (ProviderRejected, ProviderConfigError) as refusal:
            code = refusal.code if isinstance(refusal, ProviderRejected) else refusal.slug
            _log.warning("shipment-refused", carrier=entry.carrier.code, code=code)
            return await self._refuse(shipment_id, code)
        except (ProviderUnavailable, ProviderUnknown):
            return await self.shipment(shipment_id)
        if booked is None:
            return await self.shipment(shipment_id)
        failpoint("fulfilment.booked")
        handed = await self._hand_over(shipment_id, booked)
        failpoint("fulfilment.handed-over")
        return handed

    async def type_numbers(
        self, shipment_id: UUID, numbers: Sequence[str], *, carrier_name: str | None
    ) -> ShipmentView:
        """Staff say who took it and under which number; an unsent shipment counts as handed over.

        One number, or one for each parcel. For carriers that give no numbers themselves and for those
        that refused. Raises :class:`~commercekit.fulfilment.errors.TrackingNumberTaken`, or
        :class:`~commercekit.errors.Conflict` once the carrier gave a number of its own.
        """
        async with self._db.unit_of_work() as uow:
            shipment = await self._locked(uow, shipment_id)
            if shipment.status is ShipmentStatus.CANCELLED:
                message = "The shipment was cancelled."
                raise Conflict(message)
            if len(numbers) not in (1, len(shipment.parcels)):
                message = f"Give one number, or one for each of {len(shipment.parcels)} parcels."
                raise Conflict(message)
            if shipment.tracking_number not in (None, numbers[0]):
                message = f"The shipment travels under {shipment.tracking_number} already."
                raise Conflict(message)
            tracking = [
                TrackingNo(
                    number=number,
                    carrier=shipment.carrier,
                    parcel=position if len(numbers) > 1 else None,
                )
                for position, number in enumerate(numbers, 1)
            ]
            await self._repository.claim_numbers(uow, shipment.carrier, shipment.id, tracking)
            await self._repository.type_numbers(
                uow, shipment.id, carrier_name or shipment.carrier_name, tracking
            )
        failpoint("fulfilment.numbers-typed")
        return await self.hand_over(shipment_id)

    async def book_job(self, context: JobContext) -> None:
        """Go on with what a crash or a silent carrier left unbooked."""
        job: ShipmentJob = context.payload
        shipment = await self.hand_over(job.shipment_id)
        pending = shipment.booking is Booking.PENDING
        if pending and shipment.status is ShipmentStatus.CREATED:
            raise ProviderUnavailable(detail=f"shipment {shipment.id} is not booked yet")

    async def subscribe_job(self, context: JobContext) -> None:
        """Ask the carrier to push what happens; polling goes on if it does not want to."""
        job: ShipmentJob = context.payload
        shipment = await self.shipment(job.shipment_id)
        if shipment.status in FINAL or self._public_url is None:
            return
        entry, _ = await self._entry(job.shipment_id)
        code = entry.carrier.code
        url = f"{self._public_url.rstrip('/')}/webhooks/carriers/{code}/{entry.account}"
        for query in await self._queries(shipment):
            answer = await self._caller.call(
                SUBSCRIBE,
                code,
                lambda query=query: entry.carrier.subscribe(entry.context, query, url),  # type: ignore[misc]  # binds the loop's value
            )
            if answer is SubscribeResult.REJECTED:
                _log.warning("carrier-does-not-push", carrier=code, shipment_id=str(shipment.id))

    # ------------------------------------------------------------------------------------- inside

    async def _entry(self, shipment_id: UUID) -> tuple[CarrierAccount, bool]:
        carrier, account, asked = await self._repository.account_of(self._db, shipment_id)
        entry = self._carriers.find(carrier, account)
        if entry is None:
            message = f"The carrier {carrier!r} of this shipment is not installed any more."
            raise CarrierUnknown(message)
        return entry, asked

    async def _request(self, shipment: ShipmentView) -> CreateShipment:
        found = await self._repository.consignment(self._db, shipment.id)
        return CreateShipment(
            shipment_id=shipment.id.hex,
            service=shipment.service,
            sender=Party(address=self._settings.origin),
            receiver=Party(address=found.address),
            parcels=[
                Parcel(
                    weight_g=parcel.weight_grams,
                    length_mm=parcel.length_mm,
                    width_mm=parcel.width_mm,
                    height_mm=parcel.height_mm,
                    items=[
                        ParcelItem(sku=each.sku, quantity=each.quantity) for each in parcel.lines
                    ],
                )
                for parcel in shipment.parcels
            ],
            declared=found.declared,
            reference=found.number,
        )

    async def _book(
        self, entry: CarrierAccount, shipment_id: UUID, *, asked: bool
    ) -> Shipment | None:
        """The booking; ``None`` when somebody else has booked or cancelled in the meantime."""
        code = entry.carrier.code
        if asked:
            # It was asked before and we never heard the end of it: look before booking again.
            found = await self._find(entry, shipment_id.hex)
            if found is not None:
                return found
        async with self._db.unit_of_work() as uow:
            if not await self._repository.mark_asked(uow, shipment_id, self._clock.now()):
                return None
        # Read only now: what the carrier is told of is packed anew no more.
        request = await self._request(await self.shipment(shipment_id))
        failpoint("fulfilment.asked")
        try:
            return await self._caller.call(
                CREATE, code, lambda: entry.carrier.create(entry.context, request)
            )
        except ProviderUnknown:
            found = await self._find(entry, request.shipment_id)
            if found is None:
                raise
            return found

    async def _find(self, entry: CarrierAccount, shipment_id: str) -> Shipment | None:
        return await self._caller.call(
            FIND, entry.carrier.code, lambda: entry.carrier.find(entry.context, shipment_id)
        )

    async def _hand_over(self, shipment_id: UUID, booked: Shipment | None) -> ShipmentView:
        async def work(uow: UnitOfWork) -> ShipmentView:
            shipment = await self._locked(uow, shipment_id)
            if booked is not None and shipment.booking is not Booking.BOOKED:
                await self._repository.record_booking(uow, shipment_id, shipment.carrier, booked)
                shipment = await self._locked(uow, shipment_id)
                if shipment.status is ShipmentStatus.CANCELLED:
                    # Cancelled while the carrier was booking: what nobody wants is called back.
                    await self._jobs.enqueue(uow, CALL_BACK_JOB, ShipmentJob(shipment_id))
            if shipment.status is ShipmentStatus.CREATED:
                leaving = {
                    parcel.position: ShipmentStatus.HANDED_OVER for parcel in shipment.parcels
                }
                await self._advance(uow, shipment, leaving, at=self._clock.now())
                await self._follow(uow, shipment)
            return await self._locked(uow, shipment_id)

        return await self._db.run(work)

    async def _refuse(self, shipment_id: UUID, code: str) -> ShipmentView:
        async with self._db.unit_of_work() as uow:
            await self._locked(uow, shipment_id)
            await self._repository.record_refusal(uow, shipment_id, code)
            return await self._locked(uow, shipment_id)

    async def _follow(self, uow: UnitOfWork, shipment: ShipmentView) -> None:
        """Have the carrier asked, and ask it to push, as far as it can."""
        carrier, account, _ = await self._repository.account_of(uow, shipment.id)
        entry = self._carriers.find(carrier, account)
        if entry is None or not shipment.tracking:
            return
        key, job = str(shipment.id), ShipmentJob(shipment.id)
        if entry.carrier.capabilities.track_push and self._public_url is not None:
            await self._jobs.enqueue(uow, SUBSCRIBE_JOB, job, unique_key=key)
        if entry.carrier.capabilities.track_poll:
            due_at = self._clock.now() + self._settings.poll_every
            await self._jobs.enqueue(uow, POLL_JOB, job, due_at=due_at, unique_key=key)

    async def _queries(self, shipment: ShipmentView) -> list[TrackQuery]:
        found = await self._repository.consignment(self._db, shipment.id)
        return [
            TrackQuery(
                number=entry.number, carrier=entry.carrier, phone_last4=found.address.phone[-4:]
            )
            for entry in shipment.tracking
        ]
