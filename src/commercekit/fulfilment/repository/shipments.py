"""Writing shipments, parcels, numbers and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
from msgspec import Struct

from commercekit.fulfilment.errors import TrackingNumberTaken
from commercekit.fulfilment.models import (
    Booking,
    PackedParcel,
    ShipmentLine,
    ShipmentStatus,
)
from commercekit.fulfilment.providers import Shipment, TrackEvent, TrackingNo
from commercekit.fulfilment.repository.reading import Note, ShipmentReading
from commercekit.fulfilment.rules import event_key, numbered
from commercekit.kernel import Address, Money

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["NewShipment", "ShipmentRepository"]


class NewShipment(Struct, frozen=True, kw_only=True):
    """What is written when a shipment is made."""

    id: UUID
    reference: str
    number: str
    carrier: str
    account: str
    carrier_name: str
    service: str
    booking: Booking
    tracking: list[TrackingNo]
    declared: Money
    address: Address
    lines: list[ShipmentLine]
    parcels: list[PackedParcel]
    created_by: str
    created_at: datetime


class ShipmentRepository(ShipmentReading):
    """Reads and writes."""

    async def insert(self, uow: UnitOfWork, new: NewShipment) -> bool:
        """Write a shipment; ``False`` when its id is there already."""
        tag = await uow.execute(
            """
            INSERT INTO fulfilment_shipment (id, reference, number, carrier, account, carrier_name,
                service, status, booking, tracking, declared_amount, declared_currency, address,
                created_by, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, 'created', $8, $9::text::jsonb, $10, $11, $12, $13, $14)
            ON CONFLICT (id) DO NOTHING
            """,
            new.id,
            new.reference,
            new.number,
            new.carrier,
            new.account,
            new.carrier_name,
            new.service,
            new.booking,
            msgspec.json.encode(new.tracking).decode(),
            new.declared.amount,
            new.declared.currency,
            self._sealer.seal("fulfilment_shipment", "address", new.id, new.address),
            new.created_by,
            new.created_at,
        )
        if not tag.endswith(" 1"):
            return False
        await uow.executemany(
            """INSERT INTO fulfilment_line (shipment_id, line_id, sku, quantity, weight_grams)
            VALUES ($1, $2, $3, $4, $5)""",
            [
                (new.id, line.line_id, line.sku, line.quantity, line.weight_grams)
                for line in new.lines
            ],
        )
        await self._write_parcels(uow, new.id, new.parcels, new.tracking)
        await self.claim_numbers(uow, new.carrier, new.id, new.tracking)
        return True

    async def repack(
        self,
        uow: UnitOfWork,
        shipment_id: UUID,
        carrier: str,
        parcels: Sequence[PackedParcel],
        tracking: Sequence[TrackingNo],
    ) -> None:
        """Replace the parcels of a shipment that nobody was told of yet, and their numbers."""
        await uow.execute("DELETE FROM fulfilment_parcel_line WHERE shipment_id = $1", shipment_id)
        await uow.execute("DELETE FROM fulfilment_parcel WHERE shipment_id = $1", shipment_id)
        await uow.execute(
            "DELETE FROM fulfilment_tracking_number WHERE shipment_id = $1", shipment_id
        )
        await self._write_parcels(uow, shipment_id, parcels, tracking)
        await self.claim_numbers(uow, carrier, shipment_id, tracking)
        await uow.execute(
            """UPDATE fulfilment_shipment SET tracking = $2::text::jsonb, version = version + 1
            WHERE id = $1""",
            shipment_id,
            msgspec.json.encode(tracking).decode(),
        )

    async def claim_numbers(
        self, uow: UnitOfWork, carrier: str, shipment_id: UUID, tracking: Sequence[TrackingNo]
    ) -> None:
        """Book numbers for a shipment, so that pushes find it.

        Numbers of carriers that are not installed are not booked: nobody pushes news of them.
        Raises :class:`~commercekit.fulfilment.errors.TrackingNumberTaken` when another one has it.
        """
        for number in sorted({entry.number for entry in tracking}) if carrier else ():
            owner = await uow.fetchval(
                """
                INSERT INTO fulfilment_tracking_number AS n (carrier, number, shipment_id)
                VALUES ($1, $2, $3)
                ON CONFLICT (carrier, number) DO UPDATE SET shipment_id = n.shipment_id
                RETURNING shipment_id
                """,
                carrier,
                number,
                shipment_id,
            )
            if owner != shipment_id:
                message = f"{carrier} {number} belongs to another shipment."
                raise TrackingNumberTaken(message, tracking_number=number)

    async def mark_asked(self, uow: UnitOfWork, shipment_id: UUID, now: datetime) -> bool:
        """Remember, before the carrier is called, that it may have booked; ``False``: do not call."""
        tag = await uow.execute(
            """UPDATE fulfilment_shipment SET asked_at = $2, booking = 'pending', failure_code = NULL
            WHERE id = $1 AND status = 'created' AND booking <> 'booked'""",
            shipment_id,
            now,
        )
        return tag.endswith(" 1")

    async def record_booking(
        self, uow: UnitOfWork, shipment_id: UUID, carrier: str, booked: Shipment
    ) -> None:
        """The carrier confirmed."""
        await self.claim_numbers(uow, carrier, shipment_id, booked.tracking)
        await uow.execute(
            """
            UPDATE fulfilment_shipment
            SET booking = 'booked', provider_ref = $2, label_url = $4, failure_code = NULL,
                tracking = CASE WHEN $3 = '[]' THEN tracking ELSE $3::text::jsonb END,
                cost_amount = $5, cost_currency = $6, version = version + 1
            WHERE id = $1
            """,
            shipment_id,
            booked.provider_ref,
            msgspec.json.encode(booked.tracking).decode(),
            booked.label.url if booked.label else None,
            booked.cost.amount if booked.cost else None,
            booked.cost.currency if booked.cost else None,
        )
        if booked.tracking:
            await self.number_parcels(uow, shipment_id, booked.tracking)

    async def record_refusal(self, uow: UnitOfWork, shipment_id: UUID, code: str) -> None:
        """The carrier does not take it, and surely has not booked it."""
        await uow.execute(
            """UPDATE fulfilment_shipment
            SET booking = 'refused', failure_code = $2, asked_at = NULL, version = version + 1
            WHERE id = $1 AND booking <> 'booked'""",
            shipment_id,
            code,
        )

    async def type_numbers(
        self, uow: UnitOfWork, shipment_id: UUID, carrier_name: str, tracking: Sequence[TrackingNo]
    ) -> None:
        """Staff say who has it; nobody else will be told."""
        await uow.execute(
            """UPDATE fulfilment_shipment
            SET booking = CASE booking WHEN 'booked' THEN 'booked' ELSE 'manual' END,
                carrier_name = $2, tracking = $3::text::jsonb, failure_code = NULL,
                version = version + 1
            WHERE id = $1""",
            shipment_id,
            carrier_name,
            msgspec.json.encode(tracking).decode(),
        )
        await self.number_parcels(uow, shipment_id, tracking)

    async def number_parcels(
        self, uow: UnitOfWork, shipment_id: UUID, tracking: Sequence[TrackingNo]
    ) -> None:
        """Give each parcel the number it bears."""
        count = await uow.fetchval(
            "SELECT count(*) FROM fulfilment_parcel WHERE shipment_id = $1", shipment_id
        )
        await uow.executemany(
            """UPDATE fulfilment_parcel SET tracking_number = $3
            WHERE shipment_id = $1 AND position = $2""",
            [
                (shipment_id, position, number)
                for position, number in enumerate(numbered(tracking, count), 1)
            ],
        )

    async def set_status(
        self,
        uow: UnitOfWork,
        shipment_id: UUID,
        status: ShipmentStatus,
        *,
        handed_over_at: datetime | None = None,
        delivered_at: datetime | None = None,
    ) -> None:
        """Write the state; times that are set stay as they were first told."""
        await uow.execute(
            """
            UPDATE fulfilment_shipment
            SET status = $2, handed_over_at = coalesce(handed_over_at, $3),
                delivered_at = coalesce(delivered_at, $4), version = version + 1
            WHERE id = $1
            """,
            shipment_id,
            status,
            handed_over_at,
            delivered_at,
        )

    async def set_parcels(
        self,
        uow: UnitOfWork,
        shipment_id: UUID,
        statuses: Mapping[int, ShipmentStatus],
        delivered_at: datetime | None,
    ) -> None:
        """Write where parcels are now; the moment of delivery to those that have none yet."""
        await uow.executemany(
            """UPDATE fulfilment_parcel
            SET status = $3, delivered_at = coalesce(
                delivered_at, CASE WHEN $3 = 'delivered' THEN $4::timestamptz END)
            WHERE shipment_id = $1 AND position = $2""",
            [
                (shipment_id, position, status.value, delivered_at)
                for position, status in sorted(statuses.items())
            ],
        )

    async def record_inspection(
        self,
        uow: UnitOfWork,
        shipment_id: UUID,
        position: int,
        found: Mapping[UUID, tuple[int, int]],
        *,
        actor: str,
        now: datetime,
    ) -> None:
        """Write what came out of a parcel."""
        await uow.executemany(
            """UPDATE fulfilment_parcel_line SET sellable = $4, damaged = $5
            WHERE shipment_id = $1 AND position = $2 AND line_id = $3""",
            [(shipment_id, position, line_id, *both) for line_id, both in found.items()],
        )
        await uow.execute(
            """UPDATE fulfilment_parcel SET inspected_at = $3, inspected_by = $4
            WHERE shipment_id = $1 AND position = $2""",
            shipment_id,
            position,
            now,
            actor,
        )
        await self._touch(uow, shipment_id)

    async def mark_sent_again(
        self, uow: UnitOfWork, shipment_id: UUID, position: int, *, actor: str, now: datetime
    ) -> None:
        """The units of a parcel are the order's again."""
        await uow.execute(
            """UPDATE fulfilment_parcel SET sent_again_at = $3, sent_again_by = $4
            WHERE shipment_id = $1 AND position = $2""",
            shipment_id,
            position,
            now,
            actor,
        )
        await self._touch(uow, shipment_id)

    async def add_events(
        self,
        uow: UnitOfWork,
        shipment_id: UUID,
        events: Sequence[TrackEvent],
        now: datetime,
        *,
        parcel: int | None = None,
    ) -> list[TrackEvent]:
        """Write what was not known; gives exactly those, in the order given."""
        new: list[TrackEvent] = []
        for event in events:
            key = event_key(event)
            tag = await uow.execute(
                """INSERT INTO fulfilment_event (shipment_id, event_key, tracking_number, parcel,
                    code, provider_code, at, note, received_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING""",
                shipment_id,
                key,
                event.tracking_number,
                parcel,
                event.code,
                event.provider_code,
                event.at,
                self._sealer.seal(
                    "fulfilment_event",
                    "note",
                    f"{shipment_id}:{key}",
                    Note(event.text, event.place),
                ),
                now,
            )
            if tag.endswith(" 1"):
                new.append(event)
        if new:
            await self._touch(uow, shipment_id)
        return new

    async def _write_parcels(
        self,
        uow: UnitOfWork,
        shipment_id: UUID,
        parcels: Sequence[PackedParcel],
        tracking: Sequence[TrackingNo],
    ) -> None:
        numbers = numbered(tracking, len(parcels))
        await uow.executemany(
            """INSERT INTO fulfilment_parcel (shipment_id, position, status, weight_grams, length_mm,
                width_mm, height_mm, tracking_number)
            VALUES ($1, $2, 'created', $3, $4, $5, $6, $7)""",
            [
                (
                    shipment_id,
                    position,
                    parcel.weight_grams,
                    parcel.length_mm,
                    parcel.width_mm,
                    parcel.height_mm,
                    numbers[position - 1],
                )
                for position, parcel in enumerate(parcels, 1)
            ],
        )
        await uow.executemany(
            """INSERT INTO fulfilment_parcel_line (shipment_id, position, line_id, quantity)
            VALUES ($1, $2, $3, $4)""",
            [
                (shipment_id, position, line.line_id, line.quantity)
                for position, parcel in enumerate(parcels, 1)
                for line in parcel.lines
            ],
        )

    async def _touch(self, uow: UnitOfWork, shipment_id: UUID) -> None:
        await uow.execute(
            "UPDATE fulfilment_shipment SET version = version + 1 WHERE id = $1", shipment_id
        )
