"""Queries on price lists and prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from uuid import UUID

import msgspec

from commercekit.kernel import Money
from commercekit.pricing.models import ListedPrice, Offer, Price, PriceList, Tier

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork

__all__ = [
    "Source",
    "Within",
    "add_list",
    "as_json",
    "as_names",
    "as_price",
    "breaks_of",
    "change_list",
    "default_list",
    "delete_price",
    "find_list",
    "find_price",
    "is_contested",
    "listed_prices",
    "lists",
    "lists_of",
    "lock_price",
    "market_prices",
    "offers",
    "shown_skus",
    "turned_lists",
    "write_price",
]

Source: TypeAlias = "Database | UnitOfWork"
"""Where to read: in the caller's transaction, or beside any."""

_LIST = """
    SELECT id, code, market_id, currency, name, is_default, version, segment, priority, starts_at,
           ends_at, active
    FROM pricing_price_list
"""
_HOLDS = "active AND coalesce(starts_at <= $1, true) AND coalesce(ends_at > $1, true)"


async def market_prices(
    db: Source,
    market_id: UUID,
    currency: str,
    demand: Mapping[str, int],
    *,
    segments: Sequence[str],
    at: datetime,
    lowest: bool,
) -> dict[str, Price]:
    """What each SKU costs in the number wanted, in one statement; a SKU without a price is absent."""
    rows = await db.fetch(
        "SELECT * FROM pricing_prices($1, $2, $3::text[], $4::integer[], $5::text[], $6, $7)",
        market_id,
        currency,
        list(demand),
        list(demand.values()),
        list(segments),
        at,
        lowest,
    )
    return {
        row["sku"]: Price(
            Money(row["amount"], currency),
            _money(row["compare_at"], currency),
            row["list"],
            row["min_quantity"],
            _money(row["lowest"], currency),
        )
        for row in rows
    }


async def offers(
    db: Source, market_id: UUID, currency: str, skus: Sequence[str]
) -> dict[str, Offer]:
    """Every price of each SKU in a market, those that win over others first."""
    rows = await db.fetch(
        """
        SELECT p.sku, p.amount, p.compare_at, p.min_quantity, l.code, l.segment, l.starts_at, l.ends_at
        FROM pricing_price_list l JOIN pricing_price p ON p.price_list_id = l.id
        WHERE l.market_id = $1 AND l.currency = $2 AND l.active AND p.sku = ANY($3::text[])
          AND (l.is_default OR l.segment IS NOT NULL OR l.starts_at IS NOT NULL
               OR l.ends_at IS NOT NULL OR l.priority > 0)
        ORDER BY p.sku, l.priority DESC, l.segment IS NULL,
                 l.starts_at IS NULL AND l.ends_at IS NULL, l.is_default, l.code, p.min_quantity DESC
        """,
        market_id,
        currency,
        list(skus),
    )
    tiers: dict[str, list[Tier]] = {}
    for row in rows:
        price = Price(
            Money(row["amount"], currency),
            _money(row["compare_at"], currency),
            row["code"],
            row["min_quantity"],
        )
        tier = Tier(price, row["segment"], row["starts_at"], row["ends_at"])
        tiers.setdefault(row["sku"], []).append(tier)
    return {sku: Offer(tuple(of_sku)) for sku, of_sku in tiers.items()}


async def lists_of(db: Source, market_id: UUID, currency: str) -> list[PriceList]:
    """Every list of a market, those that win over others first."""
    rows = await db.fetch(
        f"""
        {_LIST} WHERE market_id = $1 AND currency = $2
        ORDER BY priority DESC, segment IS NULL, starts_at IS NULL AND ends_at IS NULL, is_default, code
        """,
        market_id,
        currency,
    )
    return [_list(row) for row in rows]


async def breaks_of(
    db: Source, lists: Iterable[PriceList], sku: str
) -> dict[UUID, list[tuple[int, int]]]:
    """Of each list the quantities from which a SKU costs how much, the largest first."""
    rows = await db.fetch(
        """
        SELECT price_list_id, min_quantity, amount FROM pricing_price
        WHERE price_list_id = ANY($1::uuid[]) AND sku = $2 ORDER BY min_quantity DESC
        """,
        [each.id for each in lists],
        sku,
    )
    found: dict[UUID, list[tuple[int, int]]] = {}
    for row in rows:
        found.setdefault(row["price_list_id"], []).append((row["min_quantity"], row["amount"]))
    return found


async def shown_skus(db: Source, price_list: PriceList) -> list[str]:
    """What a list has a price for one of."""
    rows = await db.fetch(
        "SELECT sku FROM pricing_price WHERE price_list_id = $1 AND min_quantity = 1 ORDER BY sku",
        price_list.id,
    )
    return [row["sku"] for row in rows]


async def turned_lists(uow: UnitOfWork, now: datetime) -> list[PriceList]:
    """Lists whose period began or ended since this was last asked; each is given once."""
    rows = await uow.fetch(
        f"""
        UPDATE pricing_price_list SET in_force = NOT in_force
        WHERE in_force IS DISTINCT FROM ({_HOLDS}) RETURNING *
        """,
        now,
    )
    return [_list(row) for row in rows]


async def is_contested(db: Source, price_list: PriceList) -> bool:
    """Whether the market has any other list that shoppers at large may be sold from."""
    return bool(
        await db.fetchval(
            """
            SELECT EXISTS (SELECT FROM pricing_price_list
                           WHERE market_id = $1 AND currency = $2 AND id <> $3 AND segment IS NULL)
            """,
            price_list.market_id,
            price_list.currency,
            price_list.id,
        )
    )


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


class Within(NamedTuple):
    """Which lists somebody reaches: those of some markets, and those for some segments."""

    markets: tuple[UUID, ...]
    segments: tuple[str, ...]

    def holds(self, price_list: PriceList) -> bool:
        """Whether the list is one of them; as :func:`lists` has it in SQL."""
        return price_list.market_id in self.markets or price_list.segment in self.segments


async def lists(
    db: Source, after: str, limit: int, within: Within | None = None
) -> list[PriceList]:
    """Lists by code; all of them, or those ``within`` a limit."""
    rows = await db.fetch(
        f"{_LIST} WHERE code > $1 AND ($3::uuid[] IS NULL OR market_id = ANY ($3)"
        " OR segment = ANY ($4::text[])) ORDER BY code LIMIT $2",
        after,
        limit,
        None if within is None else list(within.markets),
        None if within is None else list(within.segments),
    )
    return [_list(row) for row in rows]


async def add_list(uow: UnitOfWork, price_list: PriceList, *, holds: bool = True) -> bool:
    """Write a list; ``False`` when its code or its place as the default is taken."""
    row = await uow.fetchrow(
        """
        INSERT INTO pricing_price_list
            (id, code, market_id, currency, name, is_default, version, segment, priority, starts_at,
             ends_at, active, in_force)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT DO NOTHING RETURNING id
        """,
        price_list.id,
        price_list.code,
        price_list.market_id,
        price_list.currency,
        as_json(price_list.name),
        price_list.is_default,
        price_list.version,
        price_list.segment,
        price_list.priority,
        price_list.starts_at,
        price_list.ends_at,
        price_list.active,
        holds,
    )
    return row is not None


async def change_list(
    uow: UnitOfWork, price_list: PriceList, expected: int, *, holds: bool, re_dated: bool
) -> bool:
    """Overwrite the list if it is still at version ``expected``; new dates are kept as history."""
    row = await uow.fetchrow(
        """
        UPDATE pricing_price_list
        SET name = $2, segment = $4, priority = $5, starts_at = $6, ends_at = $7, active = $8,
            in_force = $9, version = version + 1
        WHERE code = $1 AND version = $3 RETURNING id
        """,
        price_list.code,
        as_json(price_list.name),
        expected,
        price_list.segment,
        price_list.priority,
        price_list.starts_at,
        price_list.ends_at,
        price_list.active,
        holds,
    )
    if row is not None and re_dated:
        await uow.execute(
            """
            INSERT INTO pricing_price_history
                (price_list_id, sku, min_quantity, amount, starts_at, ends_at, at)
            SELECT p.price_list_id, p.sku, p.min_quantity, CASE WHEN $2 THEN p.amount END, $3, $4, $5
            FROM pricing_price p WHERE p.price_list_id = $1
            """,
            price_list.id,
            price_list.active,
            price_list.starts_at,
            price_list.ends_at,
            uow.clock.now(),
        )
    return row is not None


async def find_price(
    db: Source, price_list: PriceList, sku: str, min_quantity: int = 1
) -> ListedPrice | None:
    """The price of a SKU in a list."""
    row = await db.fetchrow(
        """
        SELECT sku, amount, compare_at, version, min_quantity FROM pricing_price
        WHERE price_list_id = $1 AND sku = $2 AND min_quantity = $3
        """,
        price_list.id,
        sku,
        min_quantity,
    )
    return as_price(row, price_list.currency) if row else None


async def lock_price(
    uow: UnitOfWork, price_list: PriceList, sku: str, min_quantity: int = 1
) -> ListedPrice | None:
    """The price as it is, held until the transaction ends."""
    row = await uow.fetchrow(
        """
        SELECT sku, amount, compare_at, version, min_quantity FROM pricing_price
        WHERE price_list_id = $1 AND sku = $2 AND min_quantity = $3 FOR UPDATE
        """,
        price_list.id,
        sku,
        min_quantity,
    )
    return as_price(row, price_list.currency) if row else None


async def listed_prices(
    db: Source, price_list: PriceList, after: tuple[str, int], limit: int
) -> list[ListedPrice]:
    """Prices of a list by SKU and quantity."""
    rows = await db.fetch(
        """
        SELECT sku, amount, compare_at, version, min_quantity FROM pricing_price
        WHERE price_list_id = $1 AND (sku, min_quantity) > ($2, $3)
        ORDER BY sku, min_quantity LIMIT $4
        """,
        price_list.id,
        *after,
        limit,
    )
    return [as_price(row, price_list.currency) for row in rows]


async def write_price(
    uow: UnitOfWork,
    price_list: PriceList,
    sku: str,
    amount: int,
    compare_at: int | None,
    min_quantity: int,
) -> ListedPrice:
    """Write or overwrite a price; a trigger keeps it as history."""
    row = await uow.fetchrow(
        """
        INSERT INTO pricing_price (price_list_id, sku, amount, compare_at, changed_at, min_quantity)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (price_list_id, sku, min_quantity) DO UPDATE
        SET amount = excluded.amount, compare_at = excluded.compare_at,
            changed_at = excluded.changed_at, version = pricing_price.version + 1
        RETURNING sku, amount, compare_at, version, min_quantity
        """,
        price_list.id,
        sku,
        amount,
        compare_at,
        uow.clock.now(),
        min_quantity,
    )
    return as_price(row, price_list.currency)


async def delete_price(
    uow: UnitOfWork, price_list: PriceList, sku: str, min_quantity: int = 1
) -> bool:
    """Remove a price, which history keeps; ``False`` when there was none."""
    row = await uow.fetchrow(
        """
        WITH gone AS (
            DELETE FROM pricing_price
            WHERE price_list_id = $1 AND sku = $2 AND min_quantity = $3 RETURNING *
        )
        INSERT INTO pricing_price_history (price_list_id, sku, min_quantity, amount, at)
        SELECT price_list_id, sku, min_quantity, NULL, $4 FROM gone RETURNING sku
        """,
        price_list.id,
        sku,
        min_quantity,
        uow.clock.now(),
    )
    return row is not None


def as_json(value: object) -> str:
    """As a jsonb column takes it."""
    return msgspec.json.encode(value).decode()


def as_names(value: str | bytes) -> dict[str, str]:
    """As a jsonb column gives it."""
    return msgspec.json.decode(value, type=dict[str, str])


def _money(amount: int | None, currency: str) -> Money | None:
    return None if amount is None else Money(amount, currency)


def _list(row: Any) -> PriceList:
    return PriceList(
        id=row["id"],
        code=row["code"],
        market_id=row["market_id"],
        currency=row["currency"],
        name=as_names(row["name"]),
        is_default=row["is_default"],
        version=row["version"],
        segment=row["segment"],
        priority=row["priority"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        active=row["active"],
    )


def as_price(row: Any, currency: str) -> ListedPrice:
    """A row as a price of a list in that currency."""
    return ListedPrice(
        sku=row["sku"],
        amount=Money(row["amount"], currency),
        compare_at=_money(row["compare_at"], currency),
        version=row["version"],
        min_quantity=row["min_quantity"],
    )
