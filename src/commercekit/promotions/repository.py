"""Every query of promotions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

import msgspec

from commercekit.promotions.models import Promotion, Scope

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["Source", "add", "change", "delete", "edition", "find", "listed", "made_of", "read_all"]

Source: TypeAlias = "Database | UnitOfWork"
"""Where to read: in the caller's transaction, or beside any."""

_SELECT = """
    SELECT p.id, p.code, p.name, p.rule, p.config, p.priority, p.lane, p.exclusive, p.active,
           p.starts_at, p.ends_at, p.coupons, p.scope, p.version
    FROM promotions_promotion p
"""


async def edition(db: Source) -> int:
    """The number that changes with every committed change of any promotion."""
    number = await db.fetchval("SELECT number FROM promotions_edition")
    return int(number or 0)


async def read_all(db: Source) -> tuple[int, list[Promotion]]:
    """All active promotions with the edition they belong to, read in one snapshot."""
    rows = await db.fetch(
        """
        SELECT e.number AS edition, p.*
        FROM promotions_edition e LEFT JOIN promotions_promotion p ON p.active
        """
    )
    number = rows[0]["edition"] if rows else 0
    return number, [_promotion(row) for row in rows if row["id"] is not None]


async def find(db: Source, code: str) -> Promotion | None:
    """The promotion with this code."""
    row = await db.fetchrow(f"{_SELECT} WHERE p.code = $1", code)
    return _promotion(row) if row else None


async def listed(
    db: Source, after: str, limit: int, markets: Sequence[str] | None = None
) -> list[Promotion]:
    """Promotions by code; with ``markets`` those that count in no other."""
    rows = await db.fetch(
        f"{_SELECT} WHERE p.code > $1 AND ($3::text[] IS NULL OR jsonb_array_length(p.scope->'markets')"
        " > 0 AND p.scope->'markets' <@ to_jsonb($3)) ORDER BY p.code LIMIT $2",
        after,
        limit,
        None if markets is None else list(markets),
    )
    return [_promotion(row) for row in rows]


async def made_of(db: Source, rules: Collection[str]) -> list[str]:
    """Codes of promotions by the codes of their rules."""
    rows = await db.fetch(
        "SELECT code FROM promotions_promotion WHERE rule = ANY ($1::text[]) ORDER BY code",
        list(rules),
    )
    return [row["code"] for row in rows]


async def add(uow: UnitOfWork, promotion: Promotion) -> bool:
    """Write a promotion; ``False`` when its code is taken."""
    row = await uow.fetchrow(
        """
        INSERT INTO promotions_promotion
            (id, code, name, rule, config, priority, lane, exclusive, active, starts_at, ends_at,
             coupons, scope, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1)
        ON CONFLICT DO NOTHING RETURNING id
        """,
        *_values(promotion),
    )
    return row is not None


async def change(uow: UnitOfWork, promotion: Promotion, expected: int) -> bool:
    """Overwrite the row if it is still at version ``expected``."""
    row = await uow.fetchrow(
        """
        UPDATE promotions_promotion
        SET code = $2, name = $3, rule = $4, config = $5, priority = $6, lane = $7, exclusive = $8,
            active = $9, starts_at = $10, ends_at = $11, coupons = $12, scope = $13,
            version = version + 1
        WHERE id = $1 AND version = $14 RETURNING id
        """,
        *_values(promotion),
        expected,
    )
    return row is not None


async def delete(uow: UnitOfWork, identifier: UUID, expected: int) -> bool:
    """Remove the row if it is still at version ``expected``."""
    row = await uow.fetchrow(
        "DELETE FROM promotions_promotion WHERE id = $1 AND version = $2 RETURNING id",
        identifier,
        expected,
    )
    return row is not None


def _values(promotion: Promotion) -> tuple[Any, ...]:
    return (
        promotion.id,
        promotion.code,
        msgspec.json.encode(promotion.name).decode(),
        promotion.rule,
        bytes(promotion.config).decode(),
        promotion.priority,
        promotion.lane,
        promotion.exclusive,
        promotion.active,
        promotion.starts_at,
        promotion.ends_at,
        list(promotion.coupons),
        msgspec.json.encode(promotion.scope, order="deterministic").decode(),
    )


def _promotion(row: Any) -> Promotion:
    return Promotion(
        id=row["id"],
        code=row["code"],
        name=msgspec.json.decode(row["name"], type=dict[str, str]),
        rule=row["rule"],
        config=msgspec.Raw(row["config"].encode()),
        priority=row["priority"],
        lane=row["lane"],
        exclusive=row["exclusive"],
        active=row["active"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        coupons=tuple(row["coupons"]),
        scope=msgspec.json.decode(row["scope"], type=Scope),
        version=row["version"],
    )
