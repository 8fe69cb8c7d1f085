"""Where parcels are, as carriers tell by push and by poll, and staff by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import structlog

from commercekit.fulfilment.errors import EventRefused, ParcelNotFound
from commercekit.fulfilment.events import ShipmentAttemptFailed, ShipmentTracked
from commercekit.fulfilment.models import ShipmentView
from commercekit.fulfilment.providers import PARSE, TRACK, TrackCode, TrackEvent
from commercekit.fulfilment.rules import FINAL, concerned, lines_in, stepped
from commercekit.fulfilment.service.call_back import CallingBack
from commercekit.fulfilment.service.pack import ShipmentJob
from commercekit.fulfilment.service.send import SUBSCRIBE_JOB
from commercekit.platform.failpoints import failpoint
from commercekit.platform.jobs import RunAgain
from commercekit.platform.months import Archived, note_late
from commercekit.platform.providers import Ack, RawRequest

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.jobs import JobContext

__all__ = ["Tracking"]

_log = structlog.get_logger("commercekit.fulfilment")


class Tracking(CallingBack):
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
            PARSE, carrier, lambda: entry.carrier.parse_notification(entry.context, request)
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
            try:
                await self.record_events(shipment_id, events)
            except Archived:
                await self._keep_late(shipment_id, events)
        if news.resubscribe is not None:
            await self._subscribe_again(carrier, news.resubscribe)
        return news.nack if unknown else news.ack

    async def _keep_late(self, shipment_id: UUID, events: Sequence[TrackEvent]) -> None:
        """News of a parcel whose month was archived: kept for whoever brings the month back."""
        _log.warning("news-of-an-archived-parcel", shipment_id=str(shipment_id))
        for event in events:
            told = {"code": str(event.code), "at": event.at.isoformat()}
            key = event.event_id or f"{event.at.isoformat()} {event.provider_code}"
            await note_late(self._db, "fulfilment", shipment_id, key, told, self._clock.now())

    async def record_events(
        self, shipment_id: UUID, events: Sequence[TrackEvent], *, parcel: int | None = None
    ) -> ShipmentView:
        """Merge news into a shipment: known ones change nothing, old ones move nothing back.

        Each parcel stands where its own news bring it; ``parcel`` says which one they are about when
        their number does not.
        """

        async def work(uow: UnitOfWork) -> ShipmentView:
            shipment = await self._locked(uow, shipment_id)
            if parcel is not None and all(each.position != parcel for each in shipment.parcels):
                message = f"The shipment has no parcel {parcel}."
                raise ParcelNotFound(message)
            new = await self._repository.add_events(
                uow, shipment_id, events, self._clock.now(), parcel=parcel
            )
            if not new:
                return shipment
            status = shipment.status
            heard = _heard(shipment, new, parcel)
            if steps := stepped(shipment.parcels, heard):
                status = await self._advance(
                    uow, shipment, steps, at=max(event.at for event in new)
                )
            self._tell_attempts(uow, shipment, new, parcel)
            uow.publish(
                ShipmentTracked(
                    shipment_id=shipment.id,
                    reference=shipment.reference,
                    lines=shipment.lines,
                    status=status,
                )
            )
            return await self._locked(uow, shipment_id)

        after = await self._db.run(work)
        failpoint("fulfilment.tracked")
        return after

    async def record_by_hand(
        self,
        shipment_id: UUID,
        *,
        event_id: UUID,
        code: TrackCode,
        text: str,
        at: datetime,
        place: str | None = None,
        parcel: int | None = None,
    ) -> ShipmentView:
        """What staff know of a parcel, or of all, for carriers that tell nothing.

        Repeated ids change nothing. Raises
        :class:`~commercekit.fulfilment.errors.EventRefused` for ``cancelled``: goods that staff gave away
        would be stock again without anybody having seen them.
        """
        if code is TrackCode.CANCELLED:
            message = "Cancel the shipment instead; what travels comes back and is inspected."
            raise EventRefused(message)
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
        if parcel is None and len(shipment.parcels) > 1:
            # Without a parcel it is about the whole shipment, also where parcel 1 bears its number.
            event = msgspec.structs.replace(event, tracking_number="")
        return await self.record_events(shipment_id, [event], parcel=parcel)

    async def poll(self, shipment_id: UUID) -> ShipmentView:
        """Ask the carrier for the whole history of each number, and merge it."""
        shipment = await self.shipment(shipment_id)
        entry, _ = await self._entry(shipment_id)
        events: list[TrackEvent] = []
        for query in await self._queries(shipment):
            heard = await self._caller.call(
                TRACK,
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

    @staticmethod
    def _tell_attempts(
        uow: UnitOfWork, shipment: ShipmentView, new: Sequence[TrackEvent], parcel: int | None
    ) -> None:
        """Nobody was at home: told once for each time the carrier came, even if it is old news."""
        for event in new:
            if event.code is not TrackCode.ATTEMPT_FAILED:
                continue
            tried = concerned(shipment.parcels, event.tracking_number, parcel)
            before = [each.attempts for each in shipment.parcels if each.position in tried]
            uow.publish(
                ShipmentAttemptFailed(
                    shipment_id=shipment.id,
                    reference=shipment.reference,
                    lines=lines_in(shipment, tried),
                    parcels=tried,
                    attempts=max(before, default=0) + 1,
                )
            )

    async def _subscribe_again(self, carrier: str, number: str) -> None:
        shipment_id = await self._repository.find_by_number(self._db, carrier, number)
        if shipment_id is not None:
            async with self._db.unit_of_work() as uow:
                await self._jobs.enqueue(
                    uow, SUBSCRIBE_JOB, ShipmentJob(shipment_id), unique_key=str(shipment_id)
                )


def _heard(
    shipment: ShipmentView, new: Sequence[TrackEvent], parcel: int | None
) -> dict[int, list[TrackCode]]:
    """Everything that was ever heard of each parcel, the news included."""
    heard: dict[int, list[TrackCode]] = {each.position: [] for each in shipment.parcels}
    for known in shipment.events:
        for position in known.parcels:
            heard[position].append(known.code)
    for event in new:
        for position in concerned(shipment.parcels, event.tracking_number, parcel):
            heard[position].append(event.code)
    return heard
