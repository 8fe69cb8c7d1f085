"""Queries on transfers and stock counts; each document is locked by its head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.inventory.models import (
    CountLine,
    CountState,
    Demand,
    Location,
    StockCount,
    Transfer,
    TransferLine,
    TransferState,
)
from commercekit.inventory.repository.stock import Source
from commercekit.platform.security import EVERYWHERE

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.security import Reach

__all__ = [
    "add_count",
    "add_transfer",
    "count_lines_at",
    "counts",
    "enter_counted",
    "find_count",
    "find_transfer",
    "finish_transfer",
    "move_count",
    "transfers",
]

_TRANSFER = """
    SELECT t.id, s.code AS source, d.code AS target, t.state, t.reason, t.actor, t.sent_at,
           t.finished_at
    FROM inventory_transfer t
    JOIN inventory_location s ON s.id = t.source_id
    JOIN inventory_location d ON d.id = t.target_id
"""
_COUNT = """
    SELECT c.id, l.code AS location, c.state, c.reason, c.actor, c.opened_at, c.finished_at, c.version
    FROM inventory_count c JOIN inventory_location l ON l.id = c.location_id
"""


async def add_transfer(
    uow: UnitOfWork,
    identifier: UUID,
    source: Location,
    target: Location,
    demand: Mapping[str, int],
    *,
    reason: str,
    actor: str,
) -> None:
    """Write a transfer that is under way."""
    await uow.execute(
        """
        INSERT INTO inventory_transfer (id, source_id, target_id, state, reason, actor, sent_at)
        VALUES ($1, $2, $3, 'in_transit', $4, $5, $6)
        """,
        identifier,
        source.id,
        target.id,
        reason,
        actor,
        uow.clock.now(),
    )
    await uow.execute(
        """
        INSERT INTO inventory_transfer_line (transfer_id, sku, quantity)
        SELECT $1, u.sku, u.quantity FROM unnest($2::text[], $3::integer[]) AS u(sku, quantity)
        """,
        identifier,
        list(demand),
        list(demand.values()),
    )


async def find_transfer(db: Source, identifier: UUID, *, lock: bool = False) -> Transfer | None:
    """The transfer with its lines; held until the transaction ends if ``lock``."""
    row = await db.fetchrow(
        f"{_TRANSFER} WHERE t.id = $1 {'FOR UPDATE OF t' if lock else ''}", identifier
    )
    return (await _transfers(db, [row]))[0] if row else None


async def transfers(
    db: Source,
    state: TransferState | None,
    before: UUID | None,
    limit: int,
    reach: Reach = EVERYWHERE,
) -> list[Transfer]:
    """Transfers from or to a place within ``reach``, and one's own, latest first."""
    rows = await db.fetch(
        f"{_TRANSFER} WHERE ($1::text IS NULL OR t.state = $1) AND ($2::uuid IS NULL OR t.id < $2)"
        " AND ($4::text[] IS NULL OR s.code = ANY ($4) OR d.code = ANY ($4) OR t.actor = $5)"
        " ORDER BY t.id DESC LIMIT $3",
        state.value if state else None,
        before,
        limit,
        reach.location_codes,
        reach.own,
    )
    return await _transfers(db, rows)


async def finish_transfer(
    uow: UnitOfWork, identifier: UUID, state: TransferState, received: Mapping[str, int]
) -> None:
    """Write what arrived and the final state."""
    await uow.execute(
        """
        UPDATE inventory_transfer_line l SET received = u.quantity
        FROM unnest($2::text[], $3::integer[]) AS u(sku, quantity)
        WHERE l.transfer_id = $1 AND l.sku = u.sku
        """,
        identifier,
        list(received),
        list(received.values()),
    )
    await uow.execute(
        "UPDATE inventory_transfer SET state = $2, finished_at = $3 WHERE id = $1",
        identifier,
        state.value,
        uow.clock.now(),
    )


async def add_count(
    uow: UnitOfWork,
    identifier: UUID,
    place: Location,
    skus: Sequence[str],
    *,
    reason: str,
    actor: str,
) -> None:
    """Write an open count of ``skus`` at ``place``."""
    await uow.execute(
        """
        INSERT INTO inventory_count (id, location_id, state, reason, actor, opened_at)
        VALUES ($1, $2, 'open', $3, $4, $5)
        """,
        identifier,
        place.id,
        reason,
        actor,
        uow.clock.now(),
    )
    await uow.execute(
        "INSERT INTO inventory_count_line (count_id, sku) SELECT $1, unnest($2::text[])",
        identifier,
        list(skus),
    )


async def find_count(db: Source, identifier: UUID, *, lock: bool = False) -> StockCount | None:
    """The count with its lines; held until the transaction ends if ``lock``."""
    row = await db.fetchrow(
        f"{_COUNT} WHERE c.id = $1 {'FOR UPDATE OF c' if lock else ''}", identifier
    )
    return (await _counts(db, [row]))[0] if row else None


async def counts(
    db: Source,
    state: CountState | None,
    before: UUID | None,
    limit: int,
    reach: Reach = EVERYWHERE,
) -> list[StockCount]:
    """Counts of places within ``reach``, and one's own, latest first."""
    rows = await db.fetch(
        f"{_COUNT} WHERE ($1::text IS NULL OR c.state = $1) AND ($2::uuid IS NULL OR c.id < $2)"
        " AND ($4::text[] IS NULL OR l.code = ANY ($4) OR c.actor = $5)"
        " ORDER BY c.id DESC LIMIT $3",
        state.value if state else None,
        before,
        limit,
        reach.location_codes,
        reach.own,
    )
    return await _counts(db, rows)


async def count_lines_at(db: Source, location: UUID) -> list[str]:
    """Every SKU with an item at a location that is counted at all."""
    rows = await db.fetch(
        "SELECT sku FROM inventory_stock_item WHERE location_id = $1 AND tracked ORDER BY sku",
        location,
    )
    return [row["sku"] for row in rows]


async def enter_counted(
    uow: UnitOfWork, identifier: UUID, counted: Sequence[Demand], on_hand: Mapping[str, int]
) -> None:
    """Write what was found, with what the books say at this moment."""
    await uow.execute(
        """
        UPDATE inventory_count_line l
        SET counted = u.counted, on_hand = u.on_hand, counted_at = $5
        FROM unnest($2::text[], $3::integer[], $4::integer[]) AS u(sku, counted, on_hand)
        WHERE l.count_id = $1 AND l.sku = u.sku
        """,
        identifier,
        [line.sku for line in counted],
        [line.quantity for line in counted],
        [on_hand[line.sku] for line in counted],
        uow.clock.now(),
    )


async def move_count(uow: UnitOfWork, identifier: UUID, state: CountState) -> None:
    """Put the count into ``state``; its version rises with every change."""
    finished = state in {CountState.CLOSED, CountState.DROPPED}
    await uow.execute(
        "UPDATE inventory_count SET state = $2, finished_at = $3, version = version + 1 WHERE id = $1",
        identifier,
        state.value,
        uow.clock.now() if finished else None,
    )


async def _transfers(db: Source, rows: Sequence[Any]) -> list[Transfer]:
    lines = await db.fetch(
        "SELECT transfer_id, sku, quantity, received FROM inventory_transfer_line"
        " WHERE transfer_id = ANY($1::uuid[]) ORDER BY sku",
        [row["id"] for row in rows],
    )
    return [
        Transfer(
            **{**dict(row), "state": TransferState(row["state"])},
            lines=[
                TransferLine(each["sku"], each["quantity"], each["received"])
                for each in lines
                if each["transfer_id"] == row["id"]
            ],
        )
        for row in rows
    ]


async def _counts(db: Source, rows: Sequence[Any]) -> list[StockCount]:
    lines = await db.fetch(
        "SELECT count_id, sku, counted, on_hand, counted_at FROM inventory_count_line"
        " WHERE count_id = ANY($1::uuid[]) ORDER BY sku",
        [row["id"] for row in rows],
    )
    return [
        StockCount(
            **{**dict(row), "state": CountState(row["state"])},
            lines=[
                CountLine(each["sku"], each["counted"], each["on_hand"], each["counted_at"])
                for each in lines
                if each["count_id"] == row["id"]
            ],
        )
        for row in rows
    ]
