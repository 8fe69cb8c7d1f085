"""Queries on tax rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.pricing.models import TaxRate
from commercekit.pricing.repository.prices import Source, as_json, as_names

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["add_rate", "change_rate", "delete_rate", "find_rate", "rates"]

_RATE = """
    SELECT id, tax_class, country, region, rate_ppm, name, version, code, position, compound
    FROM pricing_tax_rate
"""


async def rates(db: Source, country: str | None = None) -> Sequence[TaxRate]:
    """All rates, or those of one country."""
    rows = await db.fetch(
        f"{_RATE} WHERE $1::text IS NULL OR country = $1 "
        "ORDER BY country, region NULLS FIRST, tax_class, position, code",
        country,
    )
    return [_rate(row) for row in rows]


async def find_rate(db: Source, identifier: UUID) -> TaxRate | None:
    """The rate with this id."""
    row = await db.fetchrow(f"{_RATE} WHERE id = $1", identifier)
    return _rate(row) if row else None


async def add_rate(uow: UnitOfWork, rate: TaxRate) -> bool:
    """Write a rate; ``False`` when the class has one for this destination."""
    row = await uow.fetchrow(
        """
        INSERT INTO pricing_tax_rate
            (id, tax_class, country, region, rate_ppm, name, version, code, position, compound)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING RETURNING id
        """,
        rate.id,
        rate.tax_class,
        rate.country,
        rate.region,
        rate.rate_ppm,
        as_json(rate.name),
        rate.version,
        rate.code,
        rate.position,
        rate.compound,
    )
    return row is not None


async def change_rate(
    uow: UnitOfWork, identifier: UUID, rate_ppm: int, name: dict[str, str], expected: int
) -> bool:
    """Set figure and name if the rate is still at version ``expected``."""
    row = await uow.fetchrow(
        """
        UPDATE pricing_tax_rate SET rate_ppm = $2, name = $3, version = version + 1
        WHERE id = $1 AND version = $4 RETURNING id
        """,
        identifier,
        rate_ppm,
        as_json(name),
        expected,
    )
    return row is not None


async def delete_rate(uow: UnitOfWork, identifier: UUID, expected: int) -> bool:
    """Remove the rate if it is still at version ``expected``."""
    row = await uow.fetchrow(
        "DELETE FROM pricing_tax_rate WHERE id = $1 AND version = $2 RETURNING id",
        identifier,
        expected,
    )
    return row is not None


def _rate(row: Any) -> TaxRate:
    return TaxRate(
        id=row["id"],
        tax_class=row["tax_class"],
        country=row["country"],
        region=row["region"],
        rate_ppm=row["rate_ppm"],
        name=as_names(row["name"]),
        version=row["version"],
        code=row["code"],
        position=row["position"],
        compound=row["compound"],
    )
