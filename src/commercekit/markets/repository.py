"""Every query on markets; gives models."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from commercekit.markets.models import Market
from commercekit.markets.tables import MarketRow
from commercekit.platform.db import UnitOfWork

__all__ = ["by_code", "default", "every", "insert", "update"]

_COLUMNS = (
    MarketRow.id,
    MarketRow.code,
    MarketRow.currency,
    MarketRow.languages,
    MarketRow.countries,
    MarketRow.prices_include_tax,
    MarketRow.is_default,
    MarketRow.version,
    MarketRow.updated_at,
)


async def default() -> Market | None:
    """The default market, ``None`` before the first start."""
    row = await MarketRow.select(*_COLUMNS).where(MarketRow.is_default.eq(True)).first()  # noqa: FBT003 - it is the value sought
    return _market(row) if row else None


async def by_code(code: str) -> Market | None:
    """The market of that code."""
    row = await MarketRow.select(*_COLUMNS).where(MarketRow.code == code).first()
    return _market(row) if row else None


async def every() -> list[Market]:
    """All markets, the default first, then by code."""
    rows = await MarketRow.select(*_COLUMNS).order_by(MarketRow.code)
    return sorted((_market(row) for row in rows), key=lambda market: not market.default)


async def insert(uow: UnitOfWork, market: Market) -> bool:
    """Add it unless its code, or a default, is there already; two nodes may start at once."""
    status = await uow.execute(
        "INSERT INTO markets_market (id, code, currency, languages, countries, prices_include_tax,"
        " is_default, version, created_at, updated_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8) ON CONFLICT DO NOTHING",
        market.id,
        market.code,
        market.currency,
        list(market.languages),
        list(market.countries),
        market.prices_include_tax,
        market.default,
        market.updated_at,
    )
    return str(status) == "INSERT 0 1"


async def update(uow: UnitOfWork, market: Market) -> None:
    """Write languages, countries and tax mode; code and currency stay."""
    await uow.execute(
        "UPDATE markets_market SET languages = $2, countries = $3, prices_include_tax = $4,"
        " version = version + 1, updated_at = $5 WHERE id = $1",
        market.id,
        list(market.languages),
        list(market.countries),
        market.prices_include_tax,
        market.updated_at,
    )


def _market(row: dict[str, Any]) -> Market:
    identifier = row["id"]
    return Market(
        id=identifier if isinstance(identifier, UUID) else UUID(str(identifier)),
        code=row["code"],
        currency=row["currency"],
        languages=tuple(row["languages"]),
        countries=tuple(row["countries"]),
        prices_include_tax=row["prices_include_tax"],
        default=row["is_default"],
        version=row["version"],
        updated_at=row["updated_at"],
    )
