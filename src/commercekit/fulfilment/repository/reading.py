"""Shipments as they stand, with their lines, parcels and events."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct

from commercekit.fulfilment.models import (
    Booking,
    ParcelLineView,
    ParcelView,
    ShipmentFilter,
    ShipmentLine,
    ShipmentStatus,
    ShipmentSummary,
    ShipmentView,
    TrackEventView,
)
from commercekit.fulfilment.providers import TrackCode, TrackingNo
from commercekit.fulfilment.rules import concerned, main_number
from commercekit.kernel import Address, Money, lowest_after
from commercekit.platform.security import SealedTable

if TYPE_CHECKING:
    from commercekit.platform.security import Sealer

__all__ = ["SEALED", "Consignment", "Link", "Note", "Reader", "Record", "ShipmentReading"]

SEALED = (
    SealedTable("fulfilment_shipment", ("address",)),
    SealedTable("fulfilment_event", ("note",), row_id="shipment_id || ':' || event_key"),
)
"""Tables with sealed columns, for the sealer to load its keys."""

Record: TypeAlias = Any
"""A row as the driver gives it."""
Link: TypeAlias = Callable[[str, str, str, TrackingNo], str | None]
"""Where people follow a number of (carrier, account, the carrier's name)."""

_SHIPMENT = """s.id, s.reference, s.number, s.carrier, s.account, s.carrier_name, s.service, s.status,
    s.booking, s.asked_at, s.provider_ref, s.tracking, s.label_url, s.failure_code, s.cost_amount,
    s.cost_currency, s.created_at, s.created_by, s.handed_over_at, s.delivered_at, s.version"""


class Reader(Protocol):
    """A database or a unit of work: anything that answers queries."""

    async def fetch(self, sql: str, /, *args: Any) -> list[Record]: ...
    async def fetchrow(self, sql: str, /, *args: Any) -> Record | None: ...
    async def fetchval(self, sql: str, /, *args: Any) -> Any: ...


class Consignment(Struct, frozen=True):
    """What booking needs besides the shipment itself. Personal: never logged."""

    address: Address
    declared: Money
    number: str
    """The order's, as people know it."""
    provider_ref: str | None


class Note(Struct, frozen=True):
    """What a carrier wrote about an event: may name people, so it lies sealed."""

    text: str
    place: str | None


class ShipmentReading:
    """Reads; the writing half builds on it."""

    def __init__(self, sealer: Sealer, link: Link) -> None:
        self._sealer = sealer
        self._link = link

    async def views(self, where: Reader, rows: Sequence[Record]) -> list[ShipmentView]:
        """Rows with all that belongs to them, in the order given."""
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
        contents: dict[tuple[UUID, int], list[ParcelLineView]] = {}
        for row in await where.fetch(
            """SELECT p.shipment_id, p.position, p.line_id, l.sku, p.quantity, p.sellable, p.damaged
            FROM fulfilment_parcel_line p
            JOIN fulfilment_line l ON l.shipment_id = p.shipment_id AND l.line_id = p.line_id
            WHERE p.shipment_id = ANY($1::uuid[]) ORDER BY p.shipment_id, p.position, p.line_id""",
            ids,
        ):
            _, position, *rest = row.values()
            inside = contents.setdefault((row["shipment_id"], position), [])
            inside.append(ParcelLineView(**dict(zip(_CONTENT, rest, strict=True))))
        parcels: dict[UUID, list[Record]] = {}
        for row in await where.fetch(
            """SELECT shipment_id, position, status, weight_grams, length_mm, width_mm, height_mm,
                tracking_number, delivered_at, inspected_at, sent_again_at
            FROM fulfilment_parcel WHERE shipment_id = ANY($1::uuid[])
            ORDER BY shipment_id, position""",
            ids,
        ):
            parcels.setdefault(row["shipment_id"], []).append(row)
        events: dict[UUID, list[Record]] = {}
        for row in await where.fetch(
            """SELECT shipment_id, event_key, tracking_number, parcel, code, at, note
            FROM fulfilment_event WHERE shipment_id = ANY($1::uuid[])
            ORDER BY shipment_id, at, received_at, event_key""",
            ids,
        ):
            events.setdefault(row["shipment_id"], []).append(row)
        return [
            self._view(
                row,
                lines.get(row["id"], []),
                parcels.get(row["id"], []),
                contents,
                events.get(row["id"], []),
            )
            for row in rows
        ]

    async def count_of(self, source: Reader, carriers: Collection[str]) -> int:
        """How many shipments these carriers have or had."""
        return int(
            await source.fetchval(
                "SELECT count(*) FROM fulfilment_shipment WHERE carrier = ANY ($1::text[])",
                list(carriers),
            )
        )

    async def by_reference(self, where: Reader, reference: str) -> list[ShipmentView]:
        """Every shipment of a reference, oldest first."""
        rows = await where.fetch(
            f"SELECT {_SHIPMENT} FROM fulfilment_shipment s"
            " WHERE reference = $1 AND id >= $2 ORDER BY id",
            reference,
            lowest_after(reference),
        )
        return await self.views(where, rows)

    async def get(
        self, where: Reader, shipment_id: UUID, *, for_update: bool = False
    ) -> ShipmentView | None:
        """One shipment, its row locked if asked for."""
        lock = " FOR UPDATE" if for_update else ""
        row = await where.fetchrow(
            f"SELECT {_SHIPMENT} FROM fulfilment_shipment s WHERE id = $1{lock}", shipment_id
        )
        return (await self.views(where, [row]))[0] if row is not None else None

    async def account_of(self, where: Reader, shipment_id: UUID) -> tuple[str, str, bool]:
        """Carrier, account, and whether the carrier was asked to book it before."""
        row = await where.fetchrow(
            "SELECT carrier, account, asked_at FROM fulfilment_shipment WHERE id = $1", shipment_id
        )
        return ("", "", False) if row is None else (row[0], row[1], row[2] is not None)

    async def consignment(self, where: Reader, shipment_id: UUID) -> Consignment:
        """What booking needs besides; raises :class:`LookupError` without a shipment."""
        row = await where.fetchrow(
            """SELECT address, declared_amount, declared_currency, number, provider_ref
            FROM fulfilment_shipment WHERE id = $1""",
            shipment_id,
        )
        if row is None:
            raise LookupError(shipment_id)
        address = self._sealer.open(
            "fulfilment_shipment", "address", shipment_id, row["address"], Address
        )
        declared = Money(row["declared_amount"], row["declared_currency"])
        return Consignment(address, declared, row["number"], row["provider_ref"])

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
        self, where: Reader, wanted: ShipmentFilter, *, limit: int, before: UUID | None
    ) -> list[ShipmentSummary]:
        """Newest first."""
        rows = await where.fetch(
            f"""
            SELECT {_SHIPMENT}, (SELECT count(*) FROM fulfilment_parcel p WHERE p.shipment_id = s.id)
                AS parcels
            FROM fulfilment_shipment s
            WHERE ($1::text IS NULL OR reference = $1) AND ($2::text IS NULL OR status = $2)
              AND ($3::text IS NULL OR booking = $3) AND ($4::uuid IS NULL OR id < $4)
              AND ($5::text IS NULL OR EXISTS (SELECT FROM fulfilment_parcel p
                   WHERE p.shipment_id = s.id AND p.tracking_number = $5))
              AND (NOT $6 OR EXISTS (SELECT FROM fulfilment_parcel p
                   WHERE p.shipment_id = s.id AND p.status = 'returned' AND p.inspected_at IS NULL))
            ORDER BY id DESC LIMIT $7
            """,
            wanted.reference,
            wanted.status,
            wanted.booking,
            before,
            wanted.tracking_number,
            wanted.to_inspect,
            limit,
        )
        return [_summary(row) for row in rows]

    def _view(
        self,
        row: Record,
        lines: list[ShipmentLine],
        parcels: Sequence[Record],
        contents: dict[tuple[UUID, int], list[ParcelLineView]],
        events: Sequence[Record],
    ) -> ShipmentView:
        tracking = _tracking(row)
        place = (row["carrier"], row["account"], row["carrier_name"])
        links = {each.number: self._link(*place, each) for each in tracking}
        number = main_number(tracking)
        boxes = [
            _parcel(each, contents.get((row["id"], each["position"]), []), links)
            for each in parcels
        ]
        told = [self._event(each, boxes) for each in events]
        tried = [
            position
            for event in told
            if event.code is TrackCode.ATTEMPT_FAILED
            for position in event.parcels
        ]
        cost = row["cost_amount"]
        return ShipmentView(
            id=row["id"],
            reference=row["reference"],
            carrier=row["carrier"],
            carrier_name=row["carrier_name"],
            service=row["service"],
            status=ShipmentStatus(row["status"]),
            booking=Booking(row["booking"]),
            tracking_number=number,
            tracking_url=links.get(number) if number else None,
            tracking=tracking,
            label_url=row["label_url"],
            failure_code=row["failure_code"],
            lines=lines,
            parcels=[
                msgspec.structs.replace(box, attempts=tried.count(box.position)) for box in boxes
            ],
            events=told,
            cost=None if cost is None else Money(cost, row["cost_currency"]),
            created_at=row["created_at"],
            created_by=row["created_by"],
            handed_over_at=row["handed_over_at"],
            delivered_at=row["delivered_at"],
            version=row["version"],
        )

    def _event(self, row: Record, parcels: Sequence[ParcelView]) -> TrackEventView:
        place = f"{row['shipment_id']}:{row['event_key']}"
        note = self._sealer.open("fulfilment_event", "note", place, row["note"], Note)
        return TrackEventView(
            at=row["at"],
            code=TrackCode(row["code"]),
            text=note.text,
            place=note.place,
            tracking_number=row["tracking_number"],
            parcels=concerned(parcels, row["tracking_number"], row["parcel"]),
        )


_CONTENT = ("line_id", "sku", "quantity", "sellable", "damaged")


def _tracking(row: Record) -> list[TrackingNo]:
    return msgspec.json.decode(row["tracking"], type=list[TrackingNo])


def _parcel(row: Record, lines: list[ParcelLineView], links: dict[str, str | None]) -> ParcelView:
    return ParcelView(
        position=row["position"],
        status=ShipmentStatus(row["status"]),
        weight_grams=row["weight_grams"],
        length_mm=row["length_mm"],
        width_mm=row["width_mm"],
        height_mm=row["height_mm"],
        tracking_number=row["tracking_number"],
        tracking_url=links.get(row["tracking_number"]),
        delivered_at=row["delivered_at"],
        inspected_at=row["inspected_at"],
        sent_again_at=row["sent_again_at"],
        lines=lines,
    )


def _summary(row: Record) -> ShipmentSummary:
    return ShipmentSummary(
        id=row["id"],
        reference=row["reference"],
        number=row["number"],
        carrier=row["carrier"],
        carrier_name=row["carrier_name"],
        service=row["service"],
        status=ShipmentStatus(row["status"]),
        booking=Booking(row["booking"]),
        tracking_number=main_number(_tracking(row)),
        parcels=row["parcels"],
        created_at=row["created_at"],
        created_by=row["created_by"],
    )
