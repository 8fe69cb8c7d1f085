"""Where parcels are, as carriers tell by push and by poll, and staff by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from commercekit.fulfilment.events import ShipmentTracked
from commercekit.fulfilment.models import ShipmentView
from commercekit.fulfilment.providers import TrackCode, TrackEvent, TrackNotification
from commercekit.fulfilment.rules import FINAL, merged
from commercekit.fulfilment.service.send import SUBSCRIBE_JOB, Sending, ShipmentJob
from commercekit.platform.jobs import RunAgain
from commercekit.platform.providers import Ack, RawRequest, Verb

if TYPE_CHECKING:
    from commercekit.platform.jobs import JobContext

__all__ = ["Tracking"]

_log = structlog.get_logger("commercekit.fulfilment")
_TRACK: Verb[list[TrackEvent]] = Verb("fulfilment", "track", returns=list[TrackEvent])
_PARSE: Verb[TrackNotification] = Verb(
    "fulfilment", "parse_notification", returns=TrackNotification
)


class Tracking(Sending):
    """Takes news in, in any order and as often as they come, and moves states forward only."""

    async def receive_webhook(
        self, carrier: str, account: str, secret: str | None, request: RawRequest
    ) -> Ack:
        """Take in a push; gives what the carrier wants to hear, after everything is written.

        A ``secret`` at the end of the address is judged by the carrier, which finds it in the path.
        Raises :class:`~commercekit.fulfilment.errors.CarrierUnknown` for an account this shop does
        not have, and :class:`~commercekit.platform.providers.SignatureInvalid` for a push that is not
        the carrier's. News of a number that is not known (yet) are answered with the carrier's
        ``nack``, so that it comes again.
        """
        entry = self._carriers.account(carrier, account)
        news = await self._caller.call(
            _PARSE, carrier, lambda: entry.carrier.parse_notification(entry.context, request)
        )
        by_number: dict[str, list[TrackEvent]] = {}
        for event in news.events:
            by_number.setdefault(event.tracking_number, []).append(event)
        unknown = False
        for number, events in by_number.items():
            shipment_id = await self._repository.find_by_number(self._db, carrier, number)
            if shipment_id is None:
                unknown = True
                _log.warning("news-of-an-unknown-parcel", carrier=carrier, account=account)
                continue
            await self.record_events(shipment_id, events)
        if news.resubscribe is not None:
            await self._subscribe_again(carrier, news.resubscribe)
        return news.nack if unknown else news.ack

    async def record_events(self, shipment_id: UUID, events: Sequence[TrackEvent]) -> ShipmentView:
        """Merge news into a shipment: known ones change nothing, old ones move nothing back."""
        async with self._db.unit_of_work() as uow:
            shipment = await self._locked(uow, shipment_id)
            new = await self._repository.add_events(uow, shipment_id, events, self._clock.now())
            if not new:
                return shipment
            told = [event.code for event in shipment.events]
            status = merged(shipment.status, [*told, *(event.code for event in new)])
            if status is not shipment.status:
                await self._move(uow, shipment, status, at=max(event.at for event in new))
            uow.publish(
                ShipmentTracked(
                    shipment_id=shipment.id,
                    reference=shipment.reference,
                    lines=shipment.lines,
                    status=status,
                )
            )
            return await self._locked(uow, shipment_id)

    async def record_by_hand(
        self,
        shipment_id: UUID,
        *,
        event_id: UUID,
        code: TrackCode,
        text: str,
        at: datetime,
        place: str | None = None,
    ) -> ShipmentView:
        """What staff know of a parcel, for carriers that tell nothing; repeated ids change nothing."""
        shipment = await self.shipment(shipment_id)
        event = TrackEvent(
            event_id=f"staff:{event_id}",
            tracking_number=shipment.tracking_number or "",
            code=code,
            provider_code="staff",
            at=at,
            place=place,
            text=text,
        )
        return await self.record_events(shipment_id, [event])

    async def poll(self, shipment_id: UUID) -> ShipmentView:
        """Ask the carrier for the whole history of each number, and merge it."""
        shipment = await self.shipment(shipment_id)
        entry, _ = await self._entry(shipment_id)
        events: list[TrackEvent] = []
        for query in await self._queries(shipment):
            heard = await self._caller.call(
                _TRACK,
                entry.carrier.code,
                lambda query=query: entry.carrier.track(entry.context, query),  # type: ignore[misc]  # binds the loop's value
            )
            events.extend(heard)
        return await self.record_events(shipment_id, events) if events else shipment

    async def poll_job(self, context: JobContext) -> None:
        """Poll until the parcel's way has an end, or nobody believes in one any more."""
        job: ShipmentJob = context.payload
        shipment = await self.shipment(job.shipment_id)
        if shipment.status in FINAL:
            return
        shipment = await self.poll(job.shipment_id)
        age = self._clock.now() - shipment.created_at
        if shipment.status not in FINAL and age < self._settings.give_up_after:
            raise RunAgain(self._settings.poll_every)

    async def _subscribe_again(self, carrier: str, number: str) -> None:
        shipment_id = await self._repository.find_by_number(self._db, carrier, number)
        if shipment_id is not None:
            async with self._db.unit_of_work() as uow:
                await self._jobs.enqueue(
                    uow, SUBSCRIBE_JOB, ShipmentJob(shipment_id), unique_key=str(shipment_id)
                )
