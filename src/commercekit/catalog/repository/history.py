"""Who changed what of a product: written beside the change, never changed itself."""

from typing import Any
from uuid import UUID

import msgspec

from commercekit.catalog.models import Product, ProductHistoryEntry, Variant
from commercekit.kernel import new_id
from commercekit.platform.db import Database, UnitOfWork

__all__ = ["add", "difference", "page"]

_IGNORED = {"id", "product_id", "variants", "version", "created_at", "updated_at"}


async def add(
    uow: UnitOfWork, product_id: UUID, actor: str, before: Product | None, after: Product | None
) -> None:
    """Write down what is different, and who made it so."""
    action = "created" if before is None else "deleted" if after is None else "changed"
    await uow.execute(
        "INSERT INTO catalog_change (id, product_id, at, actor, action, diff)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        new_id(),
        product_id,
        uow.clock.now(),
        actor,
        action,
        msgspec.json.encode(difference(before, after)).decode(),
    )


def difference(before: Product | None, after: Product | None) -> dict[str, list[Any]]:
    """Each field that differs, before and after; fields of variants under ``variants/<SKU>``."""
    changes = _fields(before, after)
    old = {v.sku: v for v in before.variants} if before else {}
    new = {v.sku: v for v in after.variants} if after else {}
    for sku in sorted(old.keys() | new.keys()):
        for field, pair in _fields(old.get(sku), new.get(sku)).items():
            changes[f"variants/{sku}/{field}"] = pair
    return changes


def _fields(
    before: Product | Variant | None, after: Product | Variant | None
) -> dict[str, list[Any]]:
    struct = before or after
    if struct is None:
        return {}
    changes = {}
    for field in struct.__struct_fields__:
        if field in _IGNORED:
            continue
        pair = [getattr(side, field) if side else None for side in (before, after)]
        # What neither has says nothing.
        if pair[0] != pair[1] and any(pair):
            changes[field] = pair
    return changes


async def page(
    db: Database, product_id: UUID, *, after: UUID | None, limit: int
) -> list[ProductHistoryEntry]:
    """Changes of one product, newest first."""
    rows = await db.fetch(
        "SELECT id, product_id, at, actor, action, diff FROM catalog_change"
        " WHERE product_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        product_id,
        after,
        limit,
    )
    return [
        ProductHistoryEntry(**{**dict(row), "diff": msgspec.Raw(row["diff"].encode())})
        for row in rows
    ]
