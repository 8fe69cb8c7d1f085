"""Every query of pricing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

import msgspec

from commercekit.kernel import Money
from commercekit.pricing.models import ListedPrice, Price, PriceList, TaxRate

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork

__all__ = [
    "Source",
    "add_list",
    "add_rate",
    "change_list",
    "change_rate",
    "default_list",
    "delete_price",
    "delete_rate",
    "find_list",
    "find_price",
    "find_rate",
    "listed_prices",
    "lists",
    "lock_price",
    "market_prices",
    "rates",
    "write_price",
]

Source: TypeAlias = "Database | UnitOfWork"
"""Where to read: in the caller's transaction, or beside any."""

_LIST = "SELECT id, code, market_id, currency, name, is_default, version FROM pricing_price_list"
_RATE = """
    SELECT id, tax_class, country, region, rate_ppm, name, version, code, position, compound
    FROM pricing_tax_rate
"""


async def market_prices(
    db: Source, market_id: UUID, currency: str, skus: Iterable[str]
) -> dict[str, Price]:
    """Prices of the market's default list; a SKU without one is absent."""
    rows = await db.fetch(
        """
        SELECT p.sku, p.amount, p.compare_at
        FROM pricing_price_list l
        JOIN pricing_price p ON p.price_list_id = l.id
        WHERE l.market_id = $1 AND l.currency = $2 AND l.is_default AND p.sku = ANY($3::text[])
        """,
        market_id,
        currency,
        list(skus),
    )
    return {
        row["sku"]: Price(
            Money(row["amount"], currency),
            None if row["compare_at"] is None else Money(row["compare_at"], currency),
        )
        for row in rows
    }


async def default_list(db: Source, market_id: UUID, currency: str) -> PriceList | None:
    """The list whose prices the market shows."""
    row = await db.fetchrow(
        f"{_LIST} WHERE market_id = $1 AND currency = $2 AND is_default", market_id, currency
    )
    return _list(row) if row else None


async def find_list(db: Source, code: str) -> PriceList | None:
    """The list with this code."""
    row = await db.fetchrow(f"{_LIST} WHERE code = $1", code)
    return _list(row) if row else None


async def lists(db: Source, after: str, limit: int) -> list[PriceList]:
    """Lists by code."""
    rows = await db.fetch(f"{_LIST} WHERE code > $1 ORDER BY code LIMIT $2", after, limit)
    return [_list(row) for row in rows]


async def add_list(uow: UnitOfWork, price_list: PriceList) -> bool:
    """Write a list; ``False`` when its code or its place as the default is taken."""
    row = await uow.fetchrow(
        """
        INSERT INTO pricing_price_list (id, code, market_id, currency, name, is_default, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id
        """,
        price_list.id,
        price_list.code,
        price_list.market_id,
        price_list.currency,
        _json(price_list.name),
        price_list.is_default,
        price_list.version,
    )
    return row is not None


async def change_list(uow: UnitOfWork, code: str, name: dict[str, str], expected: int) -> bool:
    """Rename the list if it is still at version ``expected``."""
    row = await uow.fetchrow(
        """
        UPDATE pricing_price_list SET name = $2, version = version + 1
        WHERE code = $1 AND version = $3 RETURNING id
        """,
        code,
        _json(name),
        expected,
    )
    return row is not None


async def find_price(db: Source, price_list: PriceList, sku: str) -> ListedPrice | None:
    """The price of a SKU in a list."""
    row = await db.fetchrow(
        """
        SELECT sku, amount, compare_at, version FROM pricing_price
        WHERE price_list_id = $1 AND sku = $2
        """,
        price_list.id,
        sku,
    )
    return _price(row, price_list.currency) if row else None


async def lock_price(uow: UnitOfWork, price_list: PriceList, sku: str) -> ListedPrice | None:
    """The price as it is, held until the transaction ends."""
    row = await uow.fetchrow(
        """
        SELECT sku, amount, compare_at, version FROM pricing_price
        WHERE price_list_id = $1 AND sku = $2 FOR UPDATE
        """,
        price_list.id,
        sku,
    )
    return _price(row, price_list.currency) if row else None


async def listed_prices(
    db: Source, price_list: PriceList, after: str, limit: int
) -> list[ListedPrice]:
    """Prices of a list by SKU."""
    rows = await db.fetch(
        """
        SELECT sku, amount, compare_at, version FROM pricing_price
        WHERE price_list_id = $1 AND sku > $2 ORDER BY sku LIMIT $3
        """,
        price_list.id,
        after,
        limit,
    )
    return [_price(row, price_list.currency) for row in rows]


async def write_price(
    uow: UnitOfWork, price_list: PriceList, sku: str, amount: int, compare_at: int | None
) -> ListedPrice:
    """Write or overwrite a price."""
    row = await uow.fetchrow(
        """
        INSERT INTO pricing_price (price_list_id, sku, amount, compare_at, changed_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (price_list_id, sku) DO UPDATE
        SET amount = excluded.amount, compare_at = excluded.compare_at,
            changed_at = excluded.changed_at, version = pricing_price.version + 1
        RETURNING sku, amount, compare_at, version
        """,
        price_list.id,
        sku,
        amount,
        compare_at,
        uow.clock.now(),
    )
    return _price(row, price_list.currency)


async def delete_price(uow: UnitOfWork, price_list: PriceList, sku: str) -> bool:
    """Remove a price; ``False`` when there was none."""
    row = await uow.fetchrow(
        "DELETE FROM pricing_price WHERE price_list_id = $1 AND sku = $2 RETURNING sku",
        price_list.id,
        sku,
    )
    return row is not None


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
        _json(rate.name),
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
        _json(name),
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


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _names(value: str | bytes) -> dict[str, str]:
    return msgspec.json.decode(value, type=dict[str, str])


def _list(row: Any) -> PriceList:
    return PriceList(
        id=row["id"],
        code=row["code"],
        market_id=row["market_id"],
        currency=row["currency"],
        name=_names(row["name"]),
        is_default=row["is_default"],
        version=row["version"],
    )


def _price(row: Any, currency: str) -> ListedPrice:
    return ListedPrice(
        sku=row["sku"],
        amount=Money(row["amount"], currency),
        compare_at=None if row["compare_at"] is None else Money(row["compare_at"], currency),
        version=row["version"],
    )


def _rate(row: Any) -> TaxRate:
    return TaxRate(
        id=row["id"],
        tax_class=row["tax_class"],
        country=row["country"],
        region=row["region"],
        rate_ppm=row["rate_ppm"],
        name=_names(row["name"]),
        version=row["version"],
        code=row["code"],
        position=row["position"],
        compound=row["compound"],
    )
