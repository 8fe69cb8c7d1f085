"""Queries on items, promises and the ledger. Whoever changes numbers first calls :func:`lock_skus`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct

from commercekit.inventory.models import (
    Allocation,
    AllocationState,
    Location,
    MovementKind,
    StockItem,
)
from commercekit.kernel import new_id

if TYPE_CHECKING:
    from commercekit.inventory.providers import AllocationPlan
    from commercekit.platform.db import Database, UnitOfWork

__all__ = [
    "MarketChange",
    "Outcome",
    "Part",
    "Source",
    "add_item",
    "add_items",
    "add_movements",
    "allocate",
    "allocations_of",
    "available",
    "available_everywhere",
    "change_item",
    "confirm",
    "confirm_all",
    "every_sku",
    "expired",
    "free",
    "item_at",
    "items_of",
    "lock_skus",
    "mark_restocked",
    "restocked",
    "skus_after",
    "skus_at",
]

_ITEM = """
    SELECT i.id, i.sku, l.code AS location, i.on_hand, i.allocated, i.backorder_limit, i.shortage,
           i.tracked, i.version
    FROM inventory_stock_item i JOIN inventory_location l ON l.id = i.location_id
"""
_ALLOCATION = """
    SELECT id, reference, sku, stock_item_id, quantity, held, shipped, state, expires_at
    FROM inventory_allocation
"""
Source: TypeAlias = "Database | UnitOfWork"
"""Where to read: in the caller's transaction, or beside any."""


class MarketChange(Struct, frozen=True):
    """What an allocation did to what one market may sell; ``market`` is none for all others."""

    market: str | None
    tracked: bool
    before: int
    after: int


class Outcome(Struct, frozen=True):
    """What was wanted of a SKU, what there was, and what is left."""

    sku: str
    wanted: int
    available: int
    remaining: int
    tracked: bool
    markets: tuple[MarketChange, ...] = ()
    """Empty while no market has locations of its own."""


Part = tuple[UUID, UUID, int]
"""Allocation, stock item, and how many of it."""


async def lock_skus(uow: UnitOfWork, skus: Iterable[str]) -> set[UUID]:
    """Hold every item of ``skus`` until the transaction ends, taken in the order of their ids; gives these.

    One that somebody else is making now is not among them, and may be there a moment later.
    """
    rows = await uow.fetch(
        "SELECT id FROM inventory_stock_item WHERE sku = ANY($1::text[]) ORDER BY id FOR UPDATE",
        sorted(set(skus)),
    )
    return {row["id"] for row in rows}


async def available(
    db: Source, skus: Iterable[str], *, market: str | None = None, split: bool = True
) -> dict[str, tuple[int, bool]]:
    """What may still be promised in ``market`` of each SKU that has an item, and whether it is tracked."""
    rows = await db.fetch(
        "SELECT * FROM inventory_available($1::text[], ARRAY[$2::text], $3)",
        sorted(set(skus)),
        market,
        split,
    )
    return {row["sku"]: (row["available"], row["tracked"]) for row in rows}


async def available_everywhere(
    db: Source, skus: Iterable[str], *, split: bool, markets: Iterable[str] = ()
) -> dict[tuple[str | None, str], tuple[int, bool]]:
    """The same for the shop, for each market with locations of its own, and for ``markets``."""
    rows = await db.fetch(
        """
        SELECT * FROM inventory_available($1::text[], ARRAY(
            SELECT NULL::text UNION SELECT market FROM inventory_market_location
            UNION SELECT unnest($3::text[])), $2)
        """,
        sorted(set(skus)),
        split,
        sorted(set(markets)),
    )
    return {(row["market"], row["sku"]): (row["available"], row["tracked"]) for row in rows}


async def allocate(
    uow: UnitOfWork,
    reference: str,
    demand: Mapping[str, int],
    expires_at: datetime | None,
    *,
    market: str | None,
    plan: AllocationPlan,
    split: bool,
) -> tuple[bool, list[Outcome]]:
    """All of ``demand`` or nothing, in one call; gives whether, and what became of each SKU."""
    rows = await uow.fetch(
        "SELECT * FROM inventory_allocate($1, $2::text[], $3::integer[], $4, $5, $6, $7, $8, $9)",
        reference,
        list(demand),
        list(demand.values()),
        expires_at,
        uow.clock.now(),
        market,
        list(plan.locations) or None,
        plan.most_stock_first,
        split,
    )
    granted = all(row["granted"] for row in rows)
    return granted, [
        Outcome(
            r["sku"],
            r["wanted"],
            r["available"],
            r["remaining"],
            r["tracked"],
            msgspec.json.decode(r["markets"], type=tuple[MarketChange, ...])
            if r["markets"]
            else (),
        )
        for r in rows
    ]


async def allocations_of(db: Source, reference: str) -> list[Allocation]:
    """Everything ever promised to ``reference``, oldest first."""
    rows = await db.fetch(f"{_ALLOCATION} WHERE reference = $1 ORDER BY id", reference)
    return [_allocation(row) for row in rows]


async def confirm(uow: UnitOfWork, reference: str) -> None:
    """Live promises of ``reference`` expire no more."""
    await confirm_all(uow, [reference])


async def confirm_all(uow: UnitOfWork, references: Sequence[str]) -> None:
    """Live promises of all ``references`` expire no more."""
    await uow.execute(
        """
        UPDATE inventory_allocation SET expires_at = NULL
        WHERE reference = ANY ($1::text[]) AND state = 'active' AND expires_at IS NOT NULL
        """,
        list(references),
    )


async def expired(db: Source, now: datetime, limit: int) -> list[str]:
    """References with a live promise past its time, the longest overdue first."""
    rows = await db.fetch(
        """
        SELECT reference FROM inventory_allocation
        WHERE state = 'active' AND expires_at <= $1
        GROUP BY reference ORDER BY min(expires_at), reference LIMIT $2
        """,
        now,
        limit,
    )
    return [row["reference"] for row in rows]


async def free(
    uow: UnitOfWork, parts: Sequence[Part], *, column: str, state: AllocationState
) -> None:
    """Stop holding ``parts``: count them as ``shipped`` or ``released``, and free their items."""
    if column not in {"shipped", "released"}:
        message = f"{column!r} is not a way to stop holding stock"
        raise ValueError(message)
    await uow.execute(
        f"""
        UPDATE inventory_allocation a
        SET {column} = a.{column} + p.quantity,
            state = CASE WHEN a.held = p.quantity THEN $3 ELSE a.state END
        FROM unnest($1::uuid[], $2::integer[]) AS p(id, quantity)
        WHERE a.id = p.id
        """,
        [part[0] for part in parts],
        [part[2] for part in parts],
        state.value,
    )
    await uow.execute(
        """
        UPDATE inventory_stock_item i
        SET allocated = i.allocated - p.quantity,
            shortage = greatest(0, i.allocated - p.quantity - i.on_hand - i.backorder_limit)
        FROM (SELECT id, sum(quantity)::integer AS quantity
              FROM unnest($1::uuid[], $2::integer[]) AS u(id, quantity) GROUP BY id) p
        WHERE i.id = p.id
        """,
        [part[1] for part in parts],
        [part[2] for part in parts],
    )


async def restocked(uow: UnitOfWork, reference: str) -> list[tuple[UUID, str, UUID, int]]:
    """Allocation, SKU, item, and how many were shipped from it and have not come back."""
    rows = await uow.fetch(
        """
        SELECT id, sku, stock_item_id, shipped - restocked AS out
        FROM inventory_allocation WHERE reference = $1 AND shipped > restocked ORDER BY id
        """,
        reference,
    )
    return [(row["id"], row["sku"], row["stock_item_id"], row["out"]) for row in rows]


async def mark_restocked(uow: UnitOfWork, parts: Sequence[Part]) -> None:
    """Count ``parts`` as back on the shelf; a CHECK refuses more than was shipped."""
    await uow.execute(
        """
        UPDATE inventory_allocation a SET restocked = a.restocked + p.quantity
        FROM unnest($1::uuid[], $2::integer[]) AS p(id, quantity) WHERE a.id = p.id
        """,
        [part[0] for part in parts],
        [part[2] for part in parts],
    )


async def add_movements(
    uow: UnitOfWork,
    changes: Sequence[tuple[UUID, str, int]],
    *,
    kind: MovementKind,
    reference: str | None = None,
    reason: str = "",
    actor: str = "",
    ids: Sequence[UUID] = (),
) -> None:
    """Write ledger lines for (item, SKU, signed quantity); a trigger moves ``on_hand`` with each."""
    await uow.execute(
        """
        INSERT INTO inventory_movement
            (id, stock_item_id, sku, quantity, on_hand_after, kind, reference, reason, actor, at)
        SELECT u.id, u.item, u.sku, u.quantity, 0, $5, $6, $7, $8, $9
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::integer[]) AS u(id, item, sku, quantity)
        """,
        list(ids) or [new_id() for _ in changes],
        [change[0] for change in changes],
        [change[1] for change in changes],
        [change[2] for change in changes],
        kind.value,
        reference,
        reason,
        actor,
        uow.clock.now(),
    )


async def items_of(db: Source, skus: Iterable[str]) -> list[StockItem]:
    """The items of ``skus``, by SKU and then in the order locations are asked."""
    rows = await db.fetch(
        f"{_ITEM} WHERE i.sku = ANY($1::text[]) ORDER BY i.sku, l.priority, i.id", list(skus)
    )
    return [StockItem(*row.values()) for row in rows]


async def item_at(db: Source, sku: str, location: str) -> StockItem | None:
    """The item of ``sku`` at the location with this code."""
    row = await db.fetchrow(f"{_ITEM} WHERE i.sku = $1 AND l.code = $2", sku, location)
    return StockItem(*row.values()) if row else None


async def skus_after(
    db: Source, after: str, limit: int, locations: Sequence[str] | None = None
) -> list[str]:
    """SKUs with a stock record, in order, after the one given; at some ``locations`` only."""
    rows = await db.fetch(
        "SELECT DISTINCT sku FROM inventory_stock_item WHERE sku > $1 AND ($3::text[] IS NULL OR"
        " location_id IN (SELECT id FROM inventory_location WHERE code = ANY ($3)))"
        " ORDER BY sku LIMIT $2",
        after,
        limit,
        locations,
    )
    return [row["sku"] for row in rows]


async def skus_at(db: Source, location: UUID) -> list[str]:
    """Every SKU with an item at a location."""
    rows = await db.fetch(
        "SELECT sku FROM inventory_stock_item WHERE location_id = $1 ORDER BY sku", location
    )
    return [row["sku"] for row in rows]


async def add_item(uow: UnitOfWork, sku: str, location: Location, *, tracked: bool) -> StockItem:
    """An empty item, unless there is one already; gives the one that is there now, locked."""
    await uow.execute(
        """
        INSERT INTO inventory_stock_item (id, sku, location_id, tracked) VALUES ($1, $2, $3, $4)
        ON CONFLICT (sku, location_id) DO NOTHING
        """,
        new_id(),
        sku,
        location.id,
        tracked,
    )
    await lock_skus(uow, [sku])
    item = await item_at(uow, sku, location.code)
    if item is None:  # items are never deleted
        message = f"the stock item of {sku} vanished"
        raise LookupError(message)
    return item


async def add_items(
    uow: UnitOfWork, location: Location, wanted: Sequence[tuple[str, bool, int]]
) -> None:
    """Empty items of (SKU, tracked, backorder limit); one that somebody else makes now stays as made."""
    await uow.execute(
        """
        INSERT INTO inventory_stock_item (id, sku, location_id, tracked, backorder_limit)
        SELECT id, sku, $5, tracked, backorder_limit
        FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::integer[])
            AS i(id, sku, tracked, backorder_limit)
        ORDER BY sku ON CONFLICT (sku, location_id) DO NOTHING
        """,
        [new_id() for _ in wanted],
        *(list(column) for column in zip(*wanted, strict=True)),
        location.id,
    )


async def change_item(
    uow: UnitOfWork, identifier: UUID, *, backorder_limit: int, tracked: bool
) -> None:
    """Set what staff decide about an item; what is promised beyond the new limit is a shortage."""
    await uow.execute(
        """
        UPDATE inventory_stock_item
        SET backorder_limit = $2, tracked = $3, version = version + 1,
            shortage = greatest(0, allocated - on_hand - $2)
        WHERE id = $1
        """,
        identifier,
        backorder_limit,
        tracked,
    )


async def every_sku(db: Source) -> list[str]:
    """Every SKU with a stock record."""
    rows = await db.fetch("SELECT DISTINCT sku FROM inventory_stock_item ORDER BY sku")
    return [row["sku"] for row in rows]


def _allocation(row: Any) -> Allocation:
    return Allocation(
        id=row["id"],
        reference=row["reference"],
        sku=row["sku"],
        stock_item_id=row["stock_item_id"],
        quantity=row["quantity"],
        held=row["held"],
        shipped=row["shipped"],
        state=AllocationState(row["state"]),
        expires_at=row["expires_at"],
    )
