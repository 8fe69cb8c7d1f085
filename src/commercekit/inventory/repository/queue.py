"""Who waits for what is on the shelf, in the order in which it was promised."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.inventory.models import Promise
from commercekit.platform.security import EVERYWHERE

if TYPE_CHECKING:
    from commercekit.inventory.repository.stock import Part, Source
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.security import Reach

__all__ = [
    "Place",
    "find_promise",
    "hold_again",
    "move_promise",
    "place_of",
    "promises_of",
    "queue_at",
    "references_at",
    "words_of",
]

Place = tuple[bool, datetime, UUID]
"""Where a promise stands in the queue: whether it expires, when it was made, its id."""

# Whoever paid, or need not pay first, goes before those who still have to: their promise may expire, and
# goods must not lie idle for it. Once it lasts it stands where it was made.
_QUEUE = """
    SELECT a.id, a.reference, a.sku, l.code AS location, a.held,
           greatest(0, least(a.held, sum(a.held) OVER (
               PARTITION BY a.stock_item_id
               ORDER BY a.expires_at IS NOT NULL, a.created_at, a.id) - i.on_hand))::integer AS missing,
           a.created_at, a.expires_at, a.stock_item_id, i.tracked
    FROM inventory_allocation a
    JOIN inventory_stock_item i ON i.id = a.stock_item_id
    JOIN inventory_location l ON l.id = i.location_id
    WHERE a.state = 'active'
"""


def words_of(promise: Promise) -> str:
    """The place of a promise as one word, for cursors."""
    return f"{promise.expires_at is not None}|{promise.promised_at.isoformat()}|{promise.id}"


def place_of(after: Sequence[str]) -> Place:
    """What :func:`words_of` said."""
    expires, made, identifier = after[0].split("|")
    return expires == "True", datetime.fromisoformat(made), UUID(identifier)


async def promises_of(
    db: Source,
    sku: str,
    *,
    waiting: bool,
    after: Place | None,
    limit: int,
    reach: Reach = EVERYWHERE,
) -> list[Promise]:
    """The queue of a SKU over all locations within ``reach``; only those who wait if ``waiting``."""
    flag, made, identifier = after or (None, None, None)
    rows = await db.fetch(
        f"""
        SELECT * FROM ({_QUEUE} AND i.sku = $1) q
        WHERE (NOT $2 OR q.tracked AND q.missing > 0)
          AND ($5::uuid IS NULL OR (q.expires_at IS NOT NULL, q.created_at, q.id)
               > ($3::boolean, $4::timestamptz, $5::uuid))
          AND ($7::text[] IS NULL OR q.location = ANY ($7))
        ORDER BY q.expires_at IS NOT NULL, q.created_at, q.id LIMIT $6
        """,
        sku,
        waiting,
        flag,
        made,
        identifier,
        limit,
        reach.location_codes,
    )
    return [_promise(row) for row in rows]


async def queue_at(db: Source, items: Iterable[UUID]) -> dict[UUID, list[Promise]]:
    """By stock item, everyone who holds some of it, in the order in which the shelf serves them."""
    rows = await db.fetch(
        f"""
        {_QUEUE} AND a.stock_item_id = ANY($1::uuid[])
        ORDER BY a.stock_item_id, a.expires_at IS NOT NULL, a.created_at, a.id
        """,
        list(items),
    )
    queues: dict[UUID, list[Promise]] = {}
    for row in rows:
        queues.setdefault(row["stock_item_id"], []).append(_promise(row))
    return queues


async def find_promise(db: Source, identifier: UUID) -> tuple[UUID, Promise] | None:
    """Its stock item, and the promise as it stands in the queue."""
    row = await db.fetchrow(
        f"""
        SELECT * FROM ({_QUEUE} AND a.stock_item_id = (
            SELECT stock_item_id FROM inventory_allocation WHERE id = $1)) q WHERE q.id = $1
        """,
        identifier,
    )
    return (row["stock_item_id"], _promise(row)) if row else None


async def references_at(
    db: Source, references: Collection[str], locations: Collection[str]
) -> frozenset[str]:
    """Those of ``references`` with a promise at one of ``locations``, be it kept or still open."""
    rows = await db.fetch(
        """
        SELECT DISTINCT a.reference FROM inventory_allocation a
        JOIN inventory_stock_item i ON i.id = a.stock_item_id
        JOIN inventory_location l ON l.id = i.location_id
        WHERE a.reference = ANY ($1::text[]) AND l.code = ANY ($2::text[])
          AND (a.held > 0 OR a.shipped > 0)
        """,
        list(references),
        list(locations),
    )
    return frozenset(row["reference"] for row in rows)


async def hold_again(uow: UnitOfWork, parts: Sequence[Part]) -> None:
    """Take back that ``parts`` were shipped: their allocations hold them as before."""
    await uow.execute(
        """
        UPDATE inventory_allocation a SET shipped = a.shipped - p.quantity, state = 'active'
        FROM unnest($1::uuid[], $2::integer[]) AS p(id, quantity) WHERE a.id = p.id
        """,
        [part[0] for part in parts],
        [part[2] for part in parts],
    )
    await uow.execute(
        """
        UPDATE inventory_stock_item i
        SET allocated = i.allocated + p.quantity,
            shortage = greatest(0, i.allocated + p.quantity - i.on_hand - i.backorder_limit)
        FROM (SELECT id, sum(quantity)::integer AS quantity
              FROM unnest($1::uuid[], $2::integer[]) AS u(id, quantity) GROUP BY id) p
        WHERE i.id = p.id
        """,
        [part[1] for part in parts],
        [part[2] for part in parts],
    )


async def move_promise(
    uow: UnitOfWork, identifier: UUID, source: UUID, target: UUID, moved: UUID, quantity: int
) -> bool:
    """Hold ``quantity`` of an allocation at another item under the id ``moved``, in its old place.

    ``False`` when the target has not that many to promise; nothing is changed then.
    """
    tag = await uow.execute(
        """
        UPDATE inventory_stock_item SET allocated = allocated + $2
        WHERE id = $1 AND (NOT tracked OR on_hand - allocated + backorder_limit >= $2)
        """,
        target,
        quantity,
    )
    if not tag.endswith(" 1"):
        return False
    await uow.execute(
        """
        INSERT INTO inventory_allocation
            (id, reference, sku, stock_item_id, quantity, expires_at, created_at)
        SELECT $2, reference, sku, $3, $4, expires_at, created_at
        FROM inventory_allocation WHERE id = $1
        """,
        identifier,
        moved,
        target,
        quantity,
    )
    await uow.execute(
        """
        UPDATE inventory_allocation
        SET released = released + $2,
            state = CASE WHEN held > $2 THEN state WHEN shipped > 0 THEN 'shipped' ELSE 'released' END
        WHERE id = $1
        """,
        identifier,
        quantity,
    )
    await uow.execute(
        """
        UPDATE inventory_stock_item
        SET allocated = allocated - $2,
            shortage = greatest(0, allocated - $2 - on_hand - backorder_limit)
        WHERE id = $1
        """,
        source,
        quantity,
    )
    return True


def _promise(row: Any) -> Promise:
    return Promise(
        id=row["id"],
        reference=row["reference"],
        sku=row["sku"],
        location=row["location"],
        held=row["held"],
        missing=row["missing"] if row["tracked"] else 0,
        promised_at=row["created_at"],
        expires_at=row["expires_at"],
    )
