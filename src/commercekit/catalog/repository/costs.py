"""What variants cost the shop: one row for each cost there was, the last one holds."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from commercekit.catalog.models import CostEntry
from commercekit.kernel import Money, new_id
from commercekit.platform.db import Database, UnitOfWork

__all__ = ["Recosted", "current", "page", "put", "touch"]


class Recosted(NamedTuple):
    """A variant that has another cost now."""

    product_id: UUID
    variant_id: UUID
    sku: str


_LAST = """SELECT c.number, c.amount, c.currency FROM catalog_cost c WHERE c.variant_id = {}
        ORDER BY c.number DESC LIMIT 1"""
_CURRENT = f"""
    SELECT w.id, c.amount, c.currency FROM unnest($1::uuid[]) AS w (id)
    CROSS JOIN LATERAL ({_LAST.format("w.id")}) c WHERE c.amount IS NOT NULL
"""
_PUT = f"""
    WITH wanted AS (
        SELECT w.id, w.amount, w.currency, v.id AS variant_id, v.product_id, v.sku,
               coalesce(c.number, 0) + 1 AS number, c.amount AS was, c.currency AS was_in
        FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[]) AS w (id, sku, amount, currency)
        JOIN catalog_variant v ON v.sku = w.sku
        LEFT JOIN LATERAL ({_LAST.format("v.id")}) c ON true
    ), added AS (
        INSERT INTO catalog_cost (id, variant_id, number, sku, amount, currency, at, actor)
        SELECT id, variant_id, number, sku, amount, currency, $5, $6 FROM wanted
        WHERE (amount, currency) IS DISTINCT FROM (was, was_in::text)
        RETURNING variant_id
    )
    SELECT w.product_id, w.variant_id, w.sku FROM wanted w JOIN added USING (variant_id) ORDER BY w.id
"""


async def current(db: Database, variant_ids: Sequence[UUID]) -> dict[UUID, Money]:
    """What holds of these; variants without a cost are absent."""
    if not variant_ids:
        return {}
    rows = await db.fetch(_CURRENT, list(variant_ids))
    return {row["id"]: Money(row["amount"], row["currency"]) for row in rows}


async def put(uow: UnitOfWork, wanted: Mapping[str, Money | None], actor: str) -> list[Recosted]:
    """Let these be what SKUs cost from now on; gives those of which it is something new.

    Whoever calls it holds the products: costs of one variant begin one after the other.
    """
    rows = await uow.fetch(
        _PUT,
        [new_id() for _ in wanted],
        list(wanted),
        [cost.amount if cost else None for cost in wanted.values()],
        [cost.currency if cost else None for cost in wanted.values()],
        uow.clock.now(),
        actor,
    )
    return [Recosted(*row) for row in rows]


async def touch(uow: UnitOfWork, variant_ids: Sequence[UUID]) -> None:
    """Let whoever read these variants before find them changed."""
    await uow.execute(
        "UPDATE catalog_variant SET version = version + 1, updated_at = $2 WHERE id = ANY ($1)",
        list(variant_ids),
        uow.clock.now(),
    )


async def page(
    db: Database, variant_id: UUID, *, before: int | None, limit: int
) -> list[CostEntry]:
    """The costs that a variant had, newest first, before the one of that number."""
    rows = await db.fetch(
        "SELECT * FROM catalog_cost WHERE variant_id = $1 AND ($2::int IS NULL OR number < $2)"
        " ORDER BY number DESC LIMIT $3",
        variant_id,
        before,
        limit,
    )
    return [
        CostEntry(
            id=row["id"],
            variant_id=row["variant_id"],
            number=row["number"],
            sku=row["sku"],
            cost=None if row["amount"] is None else Money(row["amount"], row["currency"]),
            at=row["at"],
            actor=row["actor"],
        )
        for row in rows
    ]
