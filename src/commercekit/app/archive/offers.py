"""What variants cost and how many there are: every price list, every location."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from commercekit.app.archive.sheets import (
    Line,
    RowRefused,
    Sheet,
    SheetReport,
    flag_cell,
    json_cell,
    moment_cell,
)
from commercekit.errors import Refused
from commercekit.inventory import NewStock
from commercekit.kernel import MAX_PAGE, PageRequest
from commercekit.pricing import NewPrice

if TYPE_CHECKING:
    from commercekit.inventory import InventoryService
    from commercekit.markets import MarketService
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.pricing import PriceList, PricingService

__all__ = ["Locations", "PriceLists", "Prices", "Stock"]

T = TypeVar("T")
_PLACE = ("name", "priority", "active", "country", "region", "postcode", "markets")
_LIST = ("name", "segment", "priority", "starts_at", "ends_at", "active")


class Locations(Sheet):
    """Where stock lies."""

    name = "locations.csv"

    def __init__(self, inventory: InventoryService) -> None:
        self._inventory = inventory

    async def columns(self) -> Sequence[str]:
        """Markets are codes with spaces between them."""
        return [
            *("Location", "Name", "Priority", "Active"),
            *("Country", "Region", "Postcode", "Markets"),
        ]

    async def rows(self) -> AsyncIterator[Sequence[str]]:
        """By code."""
        for place in sorted(await self._inventory.locations(), key=lambda each: each.code):
            yield [
                *(place.code, place.name, str(place.priority), flag_cell(place.active)),
                *(place.country or "", place.region, place.postcode, " ".join(place.markets)),
            ]

    async def take(self, lines: Sequence[Line], report: SheetReport) -> None:
        """Make what is missing, change what is there."""
        for line in lines:
            report.rows += 1
            try:
                report.changed += await self._one(line)
            except Refused as refused:
                report.refuse(line.number, refused)

    async def _one(self, line: Line) -> bool:
        code = line.text("Location")
        wanted: dict[str, Any] = {
            "name": line.text("Name"),
            "priority": line.number_in("Priority", 100),
            "active": line.flag("Active", fallback=True),
            "country": line.text("Country", "") or None,
            "region": line.text("Region", ""),
            "postcode": line.text("Postcode", ""),
            "markets": tuple(sorted(line.text("Markets", "").split())),
        }
        known = {place.code: place for place in await self._inventory.locations()}
        if code not in known:
            markets = wanted.pop("markets")
            made = await self._inventory.add_location(code, **wanted)
            if markets:
                await self._inventory.change_location(code, expected=made.version, markets=markets)
            return True
        place = known[code]
        changes = {
            field: wanted[field]
            for field in _PLACE
            if _plain(wanted[field]) != _plain(getattr(place, field))
        }
        if changes:
            await self._inventory.change_location(code, expected=place.version, **changes)
        return bool(changes)


def _plain(value: Any) -> Any:
    return tuple(sorted(value)) if isinstance(value, tuple) else value


class PriceLists(Sheet):
    """Who is asked which prices, and when."""

    name = "price-lists.csv"

    def __init__(self, pricing: PricingService, markets: MarketService) -> None:
        self._pricing = pricing
        self._markets = markets

    async def columns(self) -> Sequence[str]:
        """The name is JSON by language."""
        return [
            *("Price List", "Market", "Currency", "Default", "Segment", "Priority"),
            *("Starts At", "Ends At", "Active", "Name"),
        ]

    async def rows(self) -> AsyncIterator[Sequence[str]]:
        """By code."""
        codes = {market.id: market.code for market in await self._markets.every()}
        async for each in _lists(self._pricing):
            yield [
                *(each.code, codes[each.market_id], each.currency, flag_cell(each.is_default)),
                *(each.segment or "", str(each.priority), moment_cell(each.starts_at)),
                *(moment_cell(each.ends_at), flag_cell(each.active), json_cell(each.name)),
            ]

    async def take(self, lines: Sequence[Line], report: SheetReport) -> None:
        """Make what is missing, change what is there; its market and currency stay."""
        for line in lines:
            report.rows += 1
            try:
                report.changed += await self._one(line)
            except Refused as refused:
                report.refuse(line.number, refused)

    async def _one(self, line: Line) -> bool:
        code, currency = line.text("Price List"), line.text("Currency")
        market = await self._markets.by_code(line.text("Market"))
        wanted: dict[str, Any] = {
            "name": line.convert("Name", dict[str, str], {}),
            "segment": line.text("Segment", "") or None,
            "priority": line.number_in("Priority", 0),
            "starts_at": line.moment("Starts At"),
            "ends_at": line.moment("Ends At"),
            "active": line.flag("Active", fallback=True),
        }
        known = {each.code: each async for each in _lists(self._pricing)}
        if code not in known:
            names = wanted.pop("name")
            default = line.flag("Default", fallback=False)
            if len(currency) != 3 or not currency.isascii() or not currency.isupper():
                message = f"{currency[:9]!r} is no code of a currency."
                raise RowRefused(message, column="Currency", code="not-a-currency")
            await self._pricing.add_price_list(
                code, market.code, names, currency=currency, is_default=default, **wanted
            )
            return True
        there = known[code]
        if (there.market_id, there.currency) != (market.id, currency):
            message = f"The price list {code} is of another market or currency here."
            raise RowRefused(message, column="Market", code="other-list")
        changes = {
            field: wanted[field] for field in _LIST if wanted[field] != getattr(there, field)
        }
        if changes:
            await self._pricing.change_price_list(code, expected=there.version, **changes)
        return bool(changes)


class Prices(Sheet):
    """Every price of every list, with the quantities they are for."""

    name = "prices.csv"

    def __init__(self, db: Database, pricing: PricingService) -> None:
        self._db = db
        self._pricing = pricing

    async def columns(self) -> Sequence[str]:
        """A price of ten and more has 10 in ``From``."""
        return ["Price List", "Variant SKU", "From", "Price", "Compare At Price"]

    async def rows(self) -> AsyncIterator[Sequence[str]]:
        """By list, SKU and quantity."""
        async for each in _lists(self._pricing):
            after: tuple[str, ...] | None = None
            while True:
                page = await self._pricing.listed_prices(
                    each.code, PageRequest(limit=MAX_PAGE, after=after)
                )
                for price in page.items:
                    compare_at = price.compare_at
                    yield [
                        *(each.code, price.sku, str(price.min_quantity)),
                        str(price.amount.to_decimal()),
                        "" if compare_at is None else str(compare_at.to_decimal()),
                    ]
                if page.next_cursor is None:
                    break
                after = (page.next_cursor,)

    async def take(self, lines: Sequence[Line], report: SheetReport) -> None:
        """Write them; prices that no line names stay."""
        currencies = {each.code: each.currency async for each in _lists(self._pricing)}

        def read(line: Line) -> tuple[str, NewPrice]:
            code = line.text("Price List")
            if code not in currencies:
                message = f"There is no price list {code[:99]!r}."
                raise RowRefused(message, column="Price List", code="unknown-price-list")
            amount = line.money("Price", currencies[code])
            if amount is None:
                message = "Price is needed."
                raise RowRefused(message, column="Price", code="missing")
            compare_at = line.money("Compare At Price", currencies[code])
            least = line.number_in("From", 1)
            if least < 1:
                message = "A price is for one or more."
                raise RowRefused(message, column="From", code="not-a-number")
            return code, NewPrice(line.text("Variant SKU"), amount, compare_at, least)

        async def put(uow: UnitOfWork, code: str, prices: Sequence[NewPrice]) -> int:
            return await self._pricing.put_prices(uow, code, prices)

        await _by_key(self._db, lines, report, read, put)


class Stock(Sheet):
    """What lies where, and how far it may be oversold."""

    name = "stock.csv"

    def __init__(self, db: Database, inventory: InventoryService, *, restock: bool = False) -> None:
        self._db = db
        self._inventory = inventory
        self._restock = restock

    async def columns(self) -> Sequence[str]:
        """One that is not tracked is always to be had."""
        return ["Variant SKU", "Location", "On Hand", "Tracked", "Backorder Limit"]

    async def rows(self) -> AsyncIterator[Sequence[str]]:
        """By SKU and location."""
        after: tuple[str, ...] | None = None
        while True:
            page = await self._inventory.levels(PageRequest(limit=MAX_PAGE, after=after))
            for level in page.items:
                for item in sorted(level.items, key=lambda each: each.location):
                    yield [
                        *(item.sku, item.location, str(item.on_hand)),
                        *(flag_cell(item.tracked), str(item.backorder_limit)),
                    ]
            if page.next_cursor is None:
                return
            after = (page.next_cursor,)

    async def take(self, lines: Sequence[Line], report: SheetReport) -> None:
        """Fill shelves that are new; others too if the import restocks.

        The number in a file is older than what was sold since.
        """
        known = await self._inventory.levels_of(
            [line.cells.get("Variant SKU", "") for line in lines]
        )
        there = {(sku, item.location) for sku, level in known.items() for item in level.items}

        def read(line: Line) -> tuple[str, NewStock] | None:
            sku, place = line.text("Variant SKU"), line.text("Location")
            stock = NewStock(
                sku=sku,
                quantity=line.number_in("On Hand", 0),
                tracked=line.flag("Tracked", fallback=True),
                backorder_limit=line.number_in("Backorder Limit", 0),
            )
            return None if (sku, place) in there and not self._restock else (place, stock)

        async def put(uow: UnitOfWork, place: str, stocks: Sequence[NewStock]) -> int:
            return len(await self._inventory.set_stocks(uow, stocks, location=place))

        await _by_key(self._db, lines, report, read, put)


async def _lists(pricing: PricingService) -> AsyncIterator[PriceList]:
    after: tuple[str, ...] | None = None
    while True:
        page = await pricing.price_lists(PageRequest(limit=MAX_PAGE, after=after))
        for each in page.items:
            yield each
        if page.next_cursor is None:
            return
        after = (page.next_cursor,)


async def _by_key(
    db: Database,
    lines: Sequence[Line],
    report: SheetReport,
    read: Callable[[Line], tuple[str, T] | None],
    put: Callable[[UnitOfWork, str, Sequence[T]], Awaitable[int]],
) -> None:
    """All lines of one list or location in one transaction; refused, each by itself."""
    wanted: dict[str, list[tuple[int, T]]] = {}
    for line in lines:
        report.rows += 1
        try:
            found = read(line)
        except Refused as refused:
            report.refuse(line.number, refused)
            continue
        if found is not None:
            wanted.setdefault(found[0], []).append((line.number, found[1]))
    for key, rows in sorted(wanted.items()):
        await _put(db, key, rows, report, put)


async def _put(
    db: Database,
    key: str,
    rows: Sequence[tuple[int, T]],
    report: SheetReport,
    put: Callable[[UnitOfWork, str, Sequence[T]], Awaitable[int]],
) -> None:
    try:
        report.changed += await db.run(lambda uow: put(uow, key, [row for _, row in rows]))
    except Refused as refused:
        if len(rows) == 1:
            report.refuse(rows[0][0], refused)
            return
        for row in rows:
            await _put(db, key, [row], report, put)
