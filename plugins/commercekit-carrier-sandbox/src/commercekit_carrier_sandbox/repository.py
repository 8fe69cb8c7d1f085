"""Every query on the sandbox's tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.fulfilment import TrackCode
from commercekit_carrier_sandbox.models import Parcel, Scan
from commercekit_carrier_sandbox.scripts import Step

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["add_scan", "by_booking", "by_id", "by_number", "cancel", "insert", "subscribe"]

_PARCEL = "id, booking_id, position, number, account, script, service, notify_url, cancelled"


async def insert(
    db: Database,
    *,
    booking_id: UUID,
    parcels: Sequence[tuple[UUID, str]],
    account: str,
    script: str,
    service: str,
    now: datetime,
) -> bool:
    """Book parcels, each with its id and number, in one go; ``False`` when they are booked already."""
    tag = await db.execute(
        """INSERT INTO carrier_sandbox_parcel
            (id, booking_id, position, number, account, script, service, created_at)
        SELECT p.id, $1, p.position, p.number, $4, $5, $6, $7
        FROM unnest($2::uuid[], $3::text[]) WITH ORDINALITY AS p(id, number, position)
        WHERE NOT EXISTS (SELECT FROM carrier_sandbox_parcel WHERE booking_id = $1)
        ON CONFLICT DO NOTHING""",
        booking_id,
        [parcel[0] for parcel in parcels],
        [parcel[1] for parcel in parcels],
        account,
        script,
        service,
        now,
    )
    return not tag.endswith(" 0")


async def by_booking(where: Database | UnitOfWork, booking_id: UUID) -> list[Parcel]:
    """The parcels of a booking, in the order of the request."""
    rows = await where.fetch(
        f"SELECT {_PARCEL} FROM carrier_sandbox_parcel WHERE booking_id = $1 ORDER BY position",
        booking_id,
    )
    return [parcel for row in rows if (parcel := await _parcel(where, row)) is not None]


async def by_id(where: Database | UnitOfWork, parcel_id: UUID) -> Parcel | None:
    """A parcel with all that happened to it."""
    row = await where.fetchrow(
        f"SELECT {_PARCEL} FROM carrier_sandbox_parcel WHERE id = $1", parcel_id
    )
    return await _parcel(where, row)


async def by_number(
    where: Database | UnitOfWork, number: str, *, for_update: bool = False
) -> Parcel | None:
    """The parcel with this tracking number, its row locked if asked for."""
    lock = " FOR UPDATE" if for_update else ""
    row = await where.fetchrow(
        f"SELECT {_PARCEL} FROM carrier_sandbox_parcel WHERE number = $1{lock}", number
    )
    return await _parcel(where, row)


async def add_scan(
    uow: UnitOfWork, parcel: Parcel, position: int, step: Step, now: datetime
) -> None:
    """Write the next thing that happened."""
    await uow.execute(
        """INSERT INTO carrier_sandbox_scan (parcel_id, position, code, place, note, at)
        VALUES ($1, $2, $3, $4, $5, $6)""",
        parcel.id,
        position,
        step.code,
        step.place,
        step.text,
        now - step.late,
    )


async def cancel(db: Database, booking_id: UUID) -> bool:
    """Take a booking back; ``False`` once one of its parcels was picked up."""
    tag = await db.execute(
        """UPDATE carrier_sandbox_parcel p SET cancelled = true
        WHERE booking_id = $1 AND NOT EXISTS (
            SELECT FROM carrier_sandbox_scan s JOIN carrier_sandbox_parcel o ON o.id = s.parcel_id
            WHERE o.booking_id = $1)""",
        booking_id,
    )
    return not tag.endswith(" 0")


async def subscribe(db: Database, number: str, url: str) -> str | None:
    """Note where to push; gives what was noted before, raises :class:`LookupError` if unknown."""
    row = await db.fetchrow(
        """UPDATE carrier_sandbox_parcel new SET notify_url = $2
        FROM (SELECT id, notify_url FROM carrier_sandbox_parcel WHERE number = $1 FOR UPDATE) old
        WHERE new.id = old.id RETURNING old.notify_url""",
        number,
        url,
    )
    if row is None:
        raise LookupError(number)
    before: str | None = row["notify_url"]
    return before


async def _parcel(where: Database | UnitOfWork, row: Any) -> Parcel | None:
    if row is None:
        return None
    scans = await where.fetch(
        """SELECT position, code, place, note, at FROM carrier_sandbox_scan
        WHERE parcel_id = $1 ORDER BY position""",
        row["id"],
    )
    return Parcel(
        **dict(row),
        scans=[
            Scan(
                id=f"{row['number']}-{scan['position']}",
                number=row["number"],
                code=TrackCode(scan["code"]),
                at=scan["at"],
                place=scan["place"],
                text=scan["note"],
            )
            for scan in scans
        ],
    )
