"""Queries on locations and the markets they are kept for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.inventory.models import Location
from commercekit.inventory.repository.stock import Source

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = [
    "add_location",
    "change_location",
    "find_location",
    "keep_for_markets",
    "stocked_locations",
]

_LOCATION = """
    SELECT l.id, l.code, l.name, l.priority, l.active, l.version, l.country, l.region, l.postcode,
           ARRAY(SELECT m.market FROM inventory_market_location m
                 WHERE m.location_id = l.id ORDER BY m.market) AS markets
    FROM inventory_location l
"""


async def stocked_locations(db: Source) -> list[Location]:
    """All locations in the order they are asked."""
    rows = await db.fetch(f"{_LOCATION} ORDER BY l.priority, l.code")
    return [_location(row) for row in rows]


async def find_location(db: Source, code: str | None) -> Location | None:
    """The location with this code; without one, the first active in the order they are asked."""
    row = await db.fetchrow(
        f"""
        {_LOCATION} WHERE l.code = $1 OR ($1::text IS NULL AND l.active)
        ORDER BY l.priority, l.code LIMIT 1
        """,
        code,
    )
    return _location(row) if row else None


async def add_location(uow: UnitOfWork, location: Location) -> bool:
    """Write a location; ``False`` when its code is taken."""
    row = await uow.fetchrow(
        """
        INSERT INTO inventory_location
            (id, code, name, priority, active, version, country, region, postcode)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (code) DO NOTHING RETURNING id
        """,
        location.id,
        location.code,
        location.name,
        location.priority,
        location.active,
        location.version,
        location.country,
        location.region,
        location.postcode,
    )
    return row is not None


async def change_location(uow: UnitOfWork, location: Location, expected: int) -> bool:
    """Overwrite the row if it is still at version ``expected``."""
    row = await uow.fetchrow(
        """
        UPDATE inventory_location
        SET name = $2, priority = $3, active = $4, version = $5, country = $7, region = $8,
            postcode = $9
        WHERE id = $1 AND version = $6 RETURNING id
        """,
        location.id,
        location.name,
        location.priority,
        location.active,
        location.version,
        expected,
        location.country,
        location.region,
        location.postcode,
    )
    return row is not None


async def keep_for_markets(uow: UnitOfWork, location: UUID, markets: Sequence[str]) -> None:
    """Make these the markets that the location is kept for."""
    await uow.execute("DELETE FROM inventory_market_location WHERE location_id = $1", location)
    await uow.execute(
        "INSERT INTO inventory_market_location (market, location_id) SELECT unnest($2::text[]), $1",
        location,
        sorted(set(markets)),
    )


def _location(row: Any) -> Location:
    return Location(**{**dict(row), "markets": tuple(row["markets"])})
