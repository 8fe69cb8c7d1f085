"""Every query on fulfilment's tables. Gives models, never rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct

from commercekit.fulfilment.errors import TrackingNumberTaken
from commercekit.fulfilment.models import (
    Booking,
    ShipmentLine,
    ShipmentStatus,
    ShipmentSummary,
    ShipmentView,
    TrackEventView,
)
from commercekit.fulfilment.providers import Shipment, TrackCode, TrackEvent, TrackingNo
from commercekit.fulfilment.rules import event_key
from commercekit.kernel import Address, Money, Page, PageRequest

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.security import Sealer

__all__ = ["SEALED_TABLES", "NewShipment", "Reader", "ShipmentRepository"]

SEALED_TABLES = ("fulfilment_shipment", "fulfilment_event")
"""Tables with sealed columns, for the sealer to load its keys."""

Record: TypeAlias = Any
"""A row as the driver gives it."""

_SHIPMENT = """id, reference, number, carrier, account, carrier_name, service, status, booking, asked_at,
    provider_ref, tracking, label_url, failure_code, cost_amount, cost_currency, created_at,
    handed_over_at, delivered_at, version"""


class Reader(Protocol):
    """A database or a unit of work: anything that answers queries."""

    async def fetch(self, sql: str, /, *args: Any) -> list[Record]: ...
    async def fetchrow(self, sql: str, /, *args: Any) -> Record | None: ...
    async def fetchval(self, sql: str, /, *args: Any) -> Any: ...


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
    created_by: str
    created_at: datetime


class _Note(Struct, frozen=True):
    text: str
    place: str | None


class ShipmentRepository:
    """Reads and writes shipments, their lines, numbers and events."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

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
        await self.claim_numbers(uow, new.carrier, new.id, new.tracking)
        return True

    async def claim_numbers(
        self, uow: UnitOfWork, carrier: str, shipment_id: UUID, tracking: Sequence[TrackingNo]
    ) -> None:
        """Book numbers for a shipment, so that pushes find it.

        Numbers of carriers that are not installed are not booked: nobody pushes news of them.
        Raises :class:`~commercekit.fulfilment.errors.TrackingNumberTaken` when another one has it.
        """
        for entry in tracking if carrier else ():
            owner = await uow.fetchval(
                """
                INSERT INTO fulfilment_tracking_number AS n (carrier, number, shipment_id)
                VALUES ($1, $2, $3)
                ON CONFLICT (carrier, number) DO UPDATE SET shipment_id = n.shipment_id
                RETURNING shipment_id
                """,
                carrier,
                entry.number,
                shipment_id,
            )
            if owner != shipment_id:
                message = f"{carrier} {entry.number} belongs to another shipment."
                raise TrackingNumberTaken(message, tracking_number=entry.number)

    async def views(self, where: Reader, rows: Sequence[Record]) -> list[ShipmentView]:
        """Rows with their lines and events, in the order given."""
        ids = [row["id"] for row in rows]
        if not ids:
            return []
        lines: dict[UUID, list[ShipmentLine]] = {}
        for row in await where.fetch(
            """SELECT shipment_id, line_id, sku, quantity, weight_grams FROM fulfilment_line
            WHERE shipment_id = ANY($1::uuid[]) ORDER BY shipment_id, line_id""",
            ids,
        ):
            lines.setdefault(row["shipment_id"], []).append(
                ShipmentLine(
                    line_id=row["line_id"],
                    sku=row["sku"],
                    quantity=row["quantity"],
                    weight_grams=row["weight_grams"],
                )
            )
        events: dict[UUID, list[TrackEventView]] = {}
        for row in await where.fetch(
            """SELECT shipment_id, event_key, tracking_number, code, at, note FROM fulfilment_event
            WHERE shipment_id = ANY($1::uuid[]) ORDER BY shipment_id, at, received_at, event_key""",
            ids,
        ):
            events.setdefault(row["shipment_id"], []).append(self._event(row))
        return [_view(row, lines.get(row["id"], []), events.get(row["id"], [])) for row in rows]

    async def by_reference(self, where: Reader, reference: str) -> list[ShipmentView]:
        """Every shipment of a reference, oldest first."""
        rows = await where.fetch(
            f"SELECT {_SHIPMENT} FROM fulfilment_shipment WHERE reference = $1 ORDER BY id",
            reference,
        )
        return await self.views(where, rows)

    async def get(
        self, where: Reader, shipment_id: UUID, *, for_update: bool = False
    ) -> ShipmentView | None:
        """One shipment, its row locked if asked for."""
        lock = " FOR UPDATE" if for_update else ""
        row = await where.fetchrow(
            f"SELECT {_SHIPMENT} FROM fulfilment_shipment WHERE id = $1{lock}", shipment_id
        )
        return (await self.views(where, [row]))[0] if row is not None else None

    async def account_of(self, where: Reader, shipment_id: UUID) -> tuple[str, str, bool]:
        """Carrier, account, and whether the carrier was asked to book it before."""
        row = await where.fetchrow(
            "SELECT carrier, account, asked_at FROM fulfilment_shipment WHERE id = $1", shipment_id
        )
        return ("", "", False) if row is None else (row[0], row[1], row[2] is not None)

    async def consignment(
        self, where: Reader, shipment_id: UUID
    ) -> tuple[Address, Money, str, str | None] | None:
        """What booking needs besides: address, declared value, the order's number, provider's ref."""
        row = await where.fetchrow(
            """SELECT address, declared_amount, declared_currency, number, provider_ref
            FROM fulfilment_shipment WHERE id = $1""",
            shipment_id,
        )
        if row is None:
            return None
        address = self._sealer.open(
            "fulfilment_shipment", "address", shipment_id, row["address"], Address
        )
        declared = Money(row["declared_amount"], row["declared_currency"])
        return address, declared, row["number"], row["provider_ref"]

    async def find_by_number(self, where: Reader, carrier: str, number: str) -> UUID | None:
        """Whose number it is."""
        found: UUID | None = await where.fetchval(
            """SELECT shipment_id FROM fulfilment_tracking_number
            WHERE carrier = $1 AND number = $2""",
            carrier,
            number,
        )
        return found

    async def page(
        self,
        where: Reader,
        page: PageRequest,
        *,
        reference: str | None,
        status: ShipmentStatus | None,
    ) -> Page[ShipmentSummary]:
        """Newest first."""
        after = UUID(page.after[0]) if page.after else None
        rows = await where.fetch(
            f"""
            SELECT {_SHIPMENT} FROM fulfilment_shipment
            WHERE ($1::text IS NULL OR reference = $1) AND ($2::text IS NULL OR status = $2)
              AND ($3::uuid IS NULL OR id < $3)
            ORDER BY id DESC LIMIT $4
            """,
            reference,
            status,
            after,
            page.limit + 1,
        )
        items = [_summary(row) for row in rows[: page.limit]]
        more = len(rows) > page.limit
        return Page(items=items, next_cursor=str(items[-1].id) if more else None)

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

    async def record_refusal(self, uow: UnitOfWork, shipment_id: UUID, code: str) -> None:
        """The carrier does not take it."""
        await uow.execute(
            """UPDATE fulfilment_shipment
            SET booking = 'refused', failure_code = $2, version = version + 1
            WHERE id = $1 AND booking <> 'booked'""",
            shipment_id,
            code,
        )

    async def type_number(
        self, uow: UnitOfWork, shipment_id: UUID, carrier_name: str, tracking: list[TrackingNo]
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

    async def add_events(
        self, uow: UnitOfWork, shipment_id: UUID, events: Sequence[TrackEvent], now: datetime
    ) -> list[TrackEvent]:
        """Write what was not known; gives exactly those, in the order given."""
        new: list[TrackEvent] = []
        for event in events:
            key = event_key(event)
            tag = await uow.execute(
                """INSERT INTO fulfilment_event (shipment_id, event_key, tracking_number, code,
                    provider_code, at, note, received_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING""",
                shipment_id,
                key,
                event.tracking_number,
                event.code,
                event.provider_code,
                event.at,
                self._sealer.seal(
                    "fulfilment_event",
                    "note",
                    f"{shipment_id}:{key}",
                    _Note(event.text, event.place),
                ),
                now,
            )
            if tag.endswith(" 1"):
                new.append(event)
        return new

    def _event(self, row: Record) -> TrackEventView:
        place = f"{row['shipment_id']}:{row['event_key']}"
        note = self._sealer.open("fulfilment_event", "note", place, row["note"], _Note)
        return TrackEventView(
            at=row["at"],
            code=TrackCode(row["code"]),
            text=note.text,
            place=note.place,
            tracking_number=row["tracking_number"],
        )


def _tracking(row: Record) -> list[TrackingNo]:
    return msgspec.json.decode(row["tracking"], type=list[TrackingNo])


def _main_number(tracking: Sequence[TrackingNo]) -> str | None:
    return next((entry.number for entry in tracking if entry.parent is None), None)


def _view(row: Record, lines: list[ShipmentLine], events: list[TrackEventView]) -> ShipmentView:
    tracking = _tracking(row)
    cost = row["cost_amount"]
    return ShipmentView(
        id=row["id"],
        reference=row["reference"],
        carrier=row["carrier"],
        carrier_name=row["carrier_name"],
        service=row["service"],
        status=ShipmentStatus(row["status"]),
        booking=Booking(row["booking"]),
        tracking_number=_main_number(tracking),
        tracking=tracking,
        label_url=row["label_url"],
        failure_code=row["failure_code"],
        lines=lines,
        events=events,
        cost=None if cost is None else Money(cost, row["cost_currency"]),
        created_at=row["created_at"],
        handed_over_at=row["handed_over_at"],
        delivered_at=row["delivered_at"],
        version=row["version"],
    )


def _summary(row: Record) -> ShipmentSummary:
    return ShipmentSummary(
        id=row["id"],
        reference=row["reference"],
        carrier=row["carrier"],
        carrier_name=row["carrier_name"],
        service=row["service"],
        status=ShipmentStatus(row["status"]),
        booking=Booking(row["booking"]),
        tracking_number=_main_number(_tracking(row)),
        created_at=row["created_at"],
    )
