"""Pack, book, hand over, cancel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from msgspec import Struct

from commercekit.errors import Conflict
from commercekit.fulfilment.errors import (
    CarrierRequired,
    CarrierUnknown,
    EmptyShipment,
    ShipmentOnItsWay,
)
from commercekit.fulfilment.events import ShipmentCreated
from commercekit.fulfilment.models import Booking, ShipmentLine, ShipmentStatus, ShipmentView
from commercekit.fulfilment.providers import (
    CancelOutcome,
    CancelResult,
    CreateShipment,
    Parcel,
    ParcelItem,
    Party,
    Shipment,
    ShipmentRef,
    SubscribeResult,
    TrackingNo,
    TrackQuery,
)
from commercekit.fulfilment.repository import NewShipment
from commercekit.fulfilment.rules import FINAL
from commercekit.fulfilment.service.base import FulfilmentUseCases
from commercekit.fulfilment.service.carriers import CarrierAccount
from commercekit.kernel import Address, Money, new_id
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
    Verb,
)

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.jobs import JobContext

__all__ = ["BOOK_JOB", "CALL_BACK_JOB", "POLL_JOB", "SUBSCRIBE_JOB", "Sending", "ShipmentJob"]

_log = structlog.get_logger("commercekit.fulfilment")

BOOK_JOB = "fulfilment.book"
CALL_BACK_JOB = "fulfilment.call-back"
POLL_JOB = "fulfilment.poll"
SUBSCRIBE_JOB = "fulfilment.subscribe"
_HEAD_START = timedelta(seconds=30)
"""The request that made the shipment hands it over itself; the job is for when it died."""
_NOTHING = Money(0, "XXX")
"""No value declared; XXX is ISO 4217 for no currency."""
_CREATE: Verb[Shipment] = Verb("fulfilment", "create", returns=Shipment, effectful=True)
_FIND: Verb[Shipment | None] = Verb("fulfilment", "find", returns=Shipment | None)
_CANCEL: Verb[CancelResult] = Verb("fulfilment", "cancel", returns=CancelResult, effectful=True)
_SUBSCRIBE: Verb[SubscribeResult] = Verb(
    "fulfilment", "subscribe", returns=SubscribeResult, effectful=True
)


class ShipmentJob(Struct, frozen=True):
    """Which shipment a job is about."""

    shipment_id: UUID


class Sending(FulfilmentUseCases):
    """A shipment's way to the carrier."""

    async def create_shipment(
        self,
        uow: UnitOfWork,
        *,
        reference: str,
        lines: Sequence[ShipmentLine],
        address: Address,
        shipment_id: UUID | None = None,
        order_number: str = "",
        carrier: str | None = None,
        service: str | None = None,
        tracking_number: str | None = None,
        declared: Money | None = None,
        actor: str = "system",
    ) -> ShipmentView:
        """Write the intent to send ``lines``; then commit and call :meth:`hand_over`.

        With a ``tracking_number`` staff arrange the transport themselves, and ``carrier`` is whatever
        name people should read; without one ``carrier`` must be installed, or
        :class:`~commercekit.fulfilment.errors.CarrierRequired` is raised. An id that is there already
        gives that shipment. Should nobody call :meth:`hand_over`, a job does.
        """
        if not lines:
            message = "A shipment needs at least one line."
            raise EmptyShipment(message)
        await uow.lock(reference)
        entry = self._carriers.account_for(carrier or "", service or "")
        if entry is None and not tracking_number:
            message = (
                f"{carrier!r} is no installed carrier: name one, or give the tracking number."
                if carrier
                else "Name an installed carrier, or give the tracking number."
            )
            raise CarrierRequired(message)
        code = entry.carrier.code if entry is not None else ""
        number = (tracking_number or "").strip()
        name = self._carriers.name_of(entry, service or "") if entry is not None else carrier
        new = NewShipment(
            id=shipment_id or new_id(),
            reference=reference,
            number=order_number or reference,
            carrier=code,
            account=entry.account if entry is not None else "",
            carrier_name=name or "",
            service=service or "",
            booking=Booking.MANUAL if number else Booking.PENDING,
            tracking=[TrackingNo(number=number, carrier=code or carrier or "")] if number else [],
            declared=declared or _NOTHING,
            address=address,
            lines=_summed(lines),
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
        request = await self._request(shipment, entry)
        try:
            booked = await self._book(entry, request, shipment_id, asked=asked)
        except (ProviderRejected, ProviderConfigError) as refusal:
            code = refusal.code if isinstance(refusal, ProviderRejected) else refusal.slug
            _log.warning("shipment-refused", carrier=entry.carrier.code, code=code)
            return await self._refuse(shipment_id, code)
        except (ProviderUnavailable, ProviderUnknown):
            return await self.shipment(shipment_id)
        if booked is None:
            return await self.shipment(shipment_id)
        return await self._hand_over(shipment_id, booked)

    async def type_number(
        self, shipment_id: UUID, *, tracking_number: str, carrier_name: str | None
    ) -> ShipmentView:
        """Staff say who took it and under which number; an unsent shipment counts as handed over.

        For carriers that give no numbers themselves and for those that refused. Raises
        :class:`~commercekit.fulfilment.errors.TrackingNumberTaken`, or
        :class:`~commercekit.errors.Conflict` once the carrier gave a number of its own.
        """
        async with self._db.unit_of_work() as uow:
            shipment = await self._locked(uow, shipment_id)
            if shipment.status is ShipmentStatus.CANCELLED:
                message = "The shipment was cancelled."
                raise Conflict(message)
            tracking = [TrackingNo(number=tracking_number, carrier=shipment.carrier)]
            if shipment.tracking_number not in (None, tracking_number):
                message = f"The shipment travels under {shipment.tracking_number} already."
                raise Conflict(message)
            await self._repository.claim_numbers(uow, shipment.carrier, shipment.id, tracking)
            await self._repository.type_number(
                uow, shipment.id, carrier_name or shipment.carrier_name, tracking
            )
        return await self.hand_over(shipment_id)

    async def cancel(self, shipment_id: UUID) -> ShipmentView:
        """Take a shipment back before it travels; repeating it changes nothing.

        A carrier that was told is asked first: it may say
        :class:`~commercekit.fulfilment.errors.ShipmentOnItsWay`. A parcel that staff handed over
        by themselves cannot be called back.
        """
        shipment = await self.shipment(shipment_id)
        if shipment.status is ShipmentStatus.CANCELLED:
            return shipment
        if shipment.status not in (ShipmentStatus.CREATED, ShipmentStatus.HANDED_OVER):
            raise _on_its_way(shipment)
        entry, asked = await self._entry(shipment_id) if shipment.carrier else (None, False)
        told = asked or shipment.booking is Booking.BOOKED
        if shipment.status is ShipmentStatus.HANDED_OVER and not told:
            raise _on_its_way(shipment)
        if told and entry is not None:
            await self._call_back(shipment, entry)
        async with self._db.unit_of_work() as uow:
            shipment = await self._locked(uow, shipment_id)
            if shipment.status is not ShipmentStatus.CANCELLED:
                if shipment.status not in (ShipmentStatus.CREATED, ShipmentStatus.HANDED_OVER):
                    raise _on_its_way(shipment)
                await self._move(uow, shipment, ShipmentStatus.CANCELLED, at=self._clock.now())
            return await self._locked(uow, shipment_id)

    async def book_job(self, context: JobContext) -> None:
        """Go on with what a crash or a silent carrier left unbooked."""
        job: ShipmentJob = context.payload
        shipment = await self.hand_over(job.shipment_id)
        pending = shipment.booking is Booking.PENDING
        if pending and shipment.status is ShipmentStatus.CREATED:
            raise ProviderUnavailable(detail=f"shipment {shipment.id} is not booked yet")

    async def call_back_job(self, context: JobContext) -> None:
        """Take back at the carrier what was cancelled here while the carrier was booking it."""
        job: ShipmentJob = context.payload
        entry, _ = await self._entry(job.shipment_id)
        try:
            await self._call_back(await self.shipment(job.shipment_id), entry)
        except ShipmentOnItsWay:
            _log.error("cancelled-shipment-travels", shipment_id=str(job.shipment_id))

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
                _SUBSCRIBE,
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

    async def _request(self, shipment: ShipmentView, entry: CarrierAccount) -> CreateShipment:
        found = await self._repository.consignment(self._db, shipment.id)
        assert found is not None  # noqa: S101 - read a moment ago, and shipments are never deleted
        address, declared, number, _ = found
        weight = sum(line.weight_grams * line.quantity for line in shipment.lines)
        items = [ParcelItem(sku=line.sku, quantity=line.quantity) for line in shipment.lines]
        return CreateShipment(
            shipment_id=shipment.id.hex,
            service=shipment.service,
            sender=Party(address=self._settings.origin),
            receiver=Party(address=address),
            parcels=[Parcel(weight_g=weight, items=items)],
            declared=declared,
            reference=number,
        )

    async def _book(
        self, entry: CarrierAccount, request: CreateShipment, shipment_id: UUID, *, asked: bool
    ) -> Shipment | None:
        """The booking; ``None`` when somebody else has booked or cancelled in the meantime."""
        code = entry.carrier.code
        if asked:
            # It was asked before and we never heard the end of it: look before booking again.
            found = await self._find(entry, request.shipment_id)
            if found is not None:
                return found
        async with self._db.unit_of_work() as uow:
            if not await self._repository.mark_asked(uow, shipment_id, self._clock.now()):
                return None
        try:
            return await self._caller.call(
                _CREATE, code, lambda: entry.carrier.create(entry.context, request)
            )
        except ProviderUnknown:
            found = await self._find(entry, request.shipment_id)
            if found is None:
                raise
            return found

    async def _find(self, entry: CarrierAccount, shipment_id: str) -> Shipment | None:
        return await self._caller.call(
            _FIND, entry.carrier.code, lambda: entry.carrier.find(entry.context, shipment_id)
        )

    async def _hand_over(self, shipment_id: UUID, booked: Shipment | None) -> ShipmentView:
        async with self._db.unit_of_work() as uow:
            shipment = await self._locked(uow, shipment_id)
            if booked is not None and shipment.booking is not Booking.BOOKED:
                await self._repository.record_booking(uow, shipment_id, shipment.carrier, booked)
                shipment = await self._locked(uow, shipment_id)
                if shipment.status is ShipmentStatus.CANCELLED:
                    # Cancelled while the carrier was booking: what nobody wants is called back.
                    await self._jobs.enqueue(uow, CALL_BACK_JOB, ShipmentJob(shipment_id))
            if shipment.status is ShipmentStatus.CREATED:
                now = self._clock.now()
                await self._move(uow, shipment, ShipmentStatus.HANDED_OVER, at=now)
                await self._follow(uow, shipment)
            return await self._locked(uow, shipment_id)

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
        phone = found[0].phone[-4:] if found is not None else None
        return [
            TrackQuery(number=entry.number, carrier=entry.carrier, phone_last4=phone)
            for entry in shipment.tracking
        ]

    async def _call_back(self, shipment: ShipmentView, entry: CarrierAccount) -> None:
        found = await self._repository.consignment(self._db, shipment.id)
        if not entry.carrier.capabilities.cancel:
            if shipment.status is ShipmentStatus.HANDED_OVER:
                raise _on_its_way(shipment)
            return
        ref = ShipmentRef(
            shipment_id=shipment.id.hex,
            provider_ref=(found[3] if found is not None else None) or "",
            tracking=shipment.tracking,
        )
        answer = await self._caller.call(
            _CANCEL, entry.carrier.code, lambda: entry.carrier.cancel(entry.context, ref)
        )
        if answer.outcome is CancelOutcome.TOO_LATE:
            raise _on_its_way(shipment)
        if answer.outcome is CancelOutcome.UNKNOWN:
            raise ProviderUnknown(answer.code or "unknown")


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


def _on_its_way(shipment: ShipmentView) -> ShipmentOnItsWay:
    message = f"A shipment that is {shipment.status} cannot be called back."
    return ShipmentOnItsWay(message, status=str(shipment.status))
