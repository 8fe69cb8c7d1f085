"""Reading the ledger; movements are written with the stock they move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.inventory.models import Movement, MovementFilter, MovementKind
from commercekit.platform.security import EVERYWHERE

if TYPE_CHECKING:
    from commercekit.inventory.repository.stock import Source
    from commercekit.platform.security import Reach

__all__ = ["find_movement", "movements"]

_MOVEMENT = """
    SELECT m.id, m.sku, l.code AS location, m.kind, m.quantity, m.on_hand_after, m.reference,
           m.reason, m.actor, m.at
    FROM inventory_movement m
    JOIN inventory_stock_item i ON i.id = m.stock_item_id
    JOIN inventory_location l ON l.id = i.location_id
"""


async def find_movement(db: Source, identifier: UUID) -> Movement | None:
    """The ledger line, if it was written."""
    row = await db.fetchrow(f"{_MOVEMENT} WHERE m.id = $1", identifier)
    return _movement(row) if row else None


async def movements(
    db: Source,
    wanted: MovementFilter,
    *,
    before: UUID | None,
    limit: int,
    reach: Reach = EVERYWHERE,
) -> list[Movement]:
    """The ledger, latest first: of places within ``reach``, and what was one's own doing."""
    rows = await db.fetch(
        f"""
        {_MOVEMENT}
        WHERE ($1::text IS NULL OR m.sku = $1) AND ($2::text IS NULL OR l.code = $2)
          AND ($3::text IS NULL OR m.kind = $3) AND ($4::text IS NULL OR m.reference = $4)
          AND ($5::text IS NULL OR m.actor = $5) AND ($6::timestamptz IS NULL OR m.at >= $6)
          AND ($7::timestamptz IS NULL OR m.at < $7) AND ($8::uuid IS NULL OR m.id < $8)
          AND ($10::text[] IS NULL OR l.code = ANY ($10) OR m.actor = $11)
        ORDER BY m.id DESC LIMIT $9
        """,
        wanted.sku,
        wanted.location,
        wanted.kind.value if wanted.kind else None,
        wanted.reference,
        wanted.actor,
        wanted.since,
        wanted.until,
        before,
        limit,
        reach.location_codes,
        reach.own,
    )
    return [_movement(row) for row in rows]


def _movement(row: Any) -> Movement:
    values = dict(row)
    values["kind"] = MovementKind(values["kind"])
    return Movement(**values)
