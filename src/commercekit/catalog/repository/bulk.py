"""Changes of many products, and how far they have come."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from commercekit.catalog.models.bulk import BulkFault, BulkRequest, BulkRun
from commercekit.platform.db import Database, UnitOfWork

__all__ = ["add", "finish", "give_up", "one", "prune", "step", "take_up"]

_faults = msgspec.json.Decoder(tuple[BulkFault, ...])


async def add(uow: UnitOfWork, run_id: UUID, request: BulkRequest, actor: str, total: int) -> bool:
    """Write down what is to be done; ``False`` when that run is there already."""
    return bool(
        await uow.fetchval(
            "INSERT INTO catalog_bulk_run (id, request, actor, status, total, created_at)"
            " VALUES ($1, $2, $3, 'running', $4, $5) ON CONFLICT (id) DO NOTHING RETURNING true",
            run_id,
            msgspec.json.encode(request).decode(),
            actor,
            total,
            uow.clock.now(),
        )
    )


async def one(db: Database, run_id: UUID) -> BulkRun | None:
    """How far it has come."""
    row: Any = await db.fetchrow(
        "SELECT id, status, total, changed, unchanged, failed, errors, actor, created_at,"
        " finished_at FROM catalog_bulk_run WHERE id = $1",
        run_id,
    )
    return BulkRun(**{**dict(row), "errors": _faults.decode(row["errors"])}) if row else None


async def take_up(uow: UnitOfWork, run_id: UUID) -> tuple[BulkRequest, UUID | None] | None:
    """What is to be done, and the last product that was; ``None`` when it is through.

    One that was cancelled runs again.
    """
    row = await uow.fetchrow(
        "UPDATE catalog_bulk_run SET status = 'running', finished_at = NULL"
        " WHERE id = $1 AND status IN ('running', 'cancelled') RETURNING request, last_id",
        run_id,
    )
    if row is None:
        return None
    return msgspec.json.decode(row["request"], type=BulkRequest), row["last_id"]


async def step(
    uow: UnitOfWork, run_id: UUID, product_id: UUID, outcome: str, fault: BulkFault | None = None
) -> bool:
    """Count one product, in the unit of work that changes it; ``False`` when that was done before."""
    errors = msgspec.json.encode([fault] if fault else []).decode()
    return bool(
        await uow.fetchval(
            "UPDATE catalog_bulk_run SET last_id = $2,"
            " changed = changed + ($3 = 'changed')::int,"
            " unchanged = unchanged + ($3 = 'unchanged')::int,"
            " failed = failed + ($3 = 'failed')::int,"
            " errors = CASE WHEN jsonb_array_length(errors) < 100 THEN errors || $4::jsonb"
            " ELSE errors END"
            " WHERE id = $1 AND (last_id IS NULL OR last_id > $2) RETURNING true",
            run_id,
            product_id,
            outcome,
            errors,
        )
    )


async def finish(uow: UnitOfWork, run_id: UUID) -> None:
    """It is through."""
    await uow.execute(
        "UPDATE catalog_bulk_run SET status = 'done', finished_at = $2 WHERE id = $1",
        run_id,
        uow.clock.now(),
    )


async def give_up(uow: UnitOfWork, run_id: UUID) -> None:
    """It was cancelled: what is changed stays changed, the rest stays as it is."""
    await uow.execute(
        "UPDATE catalog_bulk_run SET status = 'cancelled', finished_at = $2"
        " WHERE id = $1 AND status = 'running'",
        run_id,
        uow.clock.now(),
    )


async def prune(db: Database, before: datetime) -> int:
    """Forget runs that were through before then; gives how many."""
    tag = await db.execute("DELETE FROM catalog_bulk_run WHERE finished_at < $1", before)
    return int(tag.rpartition(" ")[2])
