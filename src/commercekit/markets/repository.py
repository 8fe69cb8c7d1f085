"""Every query on markets; gives models."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from commercekit.markets.models import Market, Rounding
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
    MarketRow.hosts,
    MarketRow.path_prefix,
    MarketRow.rounding,
    MarketRow.active,
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
        " is_default, version, created_at, updated_at, hosts, path_prefix, rounding, active)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
        market.id,
        market.code,
        market.currency,
        list(market.languages),
        list(market.countries),
        market.prices_include_tax,
        market.default,
        market.updated_at,
        list(market.hosts),
        market.path_prefix,
        market.rounding.value,
        market.active,
    )
    return str(status) == "INSERT 0 1"


async def update(uow: UnitOfWork, market: Market) -> bool:
    """Write all but code and currency, if the row is still at the version of ``market``."""
    status = await uow.execute(
        "UPDATE markets_market SET languages = $2, countries = $3, prices_include_tax = $4,"
        " updated_at = $5, hosts = $6, path_prefix = $7, rounding = $8, active = $9,"
        " version = version + 1 WHERE id = $1 AND version = $10",
        market.id,
        list(market.languages),
        list(market.countries),
        market.prices_include_tax,
        market.updated_at,
        list(market.hosts),
        market.path_prefix,
        market.rounding.value,
        market.active,
        market.version,
    )
    return str(status) == "UPDATE 1"


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
        rounding=Rounding(row["rounding"]),
        hosts=tuple(row["hosts"]),
        path_prefix=row["path_prefix"],
        active=row["active"],
        version=row["version"],
        updated_at=row["updated_at"],
    )
